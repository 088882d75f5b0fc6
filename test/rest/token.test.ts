import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { settingsOf } from "../../src/env.ts";
import { TokenVerifier } from "../../src/rest/token.ts";
import { someone, tokenFor } from "../support.ts";
import { CONVERSATIONS, envWith, fetchWith, signed } from "./requests.ts";

/** Keys of an identity provider instead of a shared secret. */
const JWKS = { JWT_SECRET: undefined, JWT_JWKS_URL: "https://login.test/keys" };

/** What verifies tokens under changed settings. */
function verifierWith(changes: Record<string, unknown>): TokenVerifier {
  const settings = settingsOf(envWith(changes));
  if (settings instanceof Error) throw settings;
  return new TokenVerifier(settings);
}

/** Who a token belongs to, under changed settings. */
function whois(token: string, changes: Record<string, unknown> = {}) {
  return verifierWith(changes).verified(token, Date.now());
}

async function actorOf(claims: Record<string, unknown>) {
  return (await whois(await signed({ sub: "alice", ...claims })))?.actor;
}

/** An identity provider: what signs with its private key, and what its JWT_JWKS_URL answers. */
async function provider(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one" };
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json({ keys: [jwk] }));
  const sign = (userId: string) =>
    new SignJWT()
      .setProtectedHeader({ alg, kid: "one" })
      .setSubject(userId)
      .setExpirationTime("1h")
      .sign(privateKey);
  return { publicKey, sign };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("JWT_ISSUER and JWT_AUDIENCE", () => {
  const settings = { JWT_ISSUER: "https://login.test", JWT_AUDIENCE: "parley" };
  const right = { iss: "https://login.test", aud: "parley" };

  test("are required of a token when they are set", async () => {
    expect(await whois(await signed({ sub: "alice", ...right }), settings)).toBeDefined();
    for (const wrong of [
      { iss: undefined },
      { iss: "https://other.test" },
      { iss: "https://login.test/" },
      { aud: undefined },
      { aud: "other" },
      { aud: ["other"] },
    ]) {
      const token = await signed({ sub: "alice", ...right, ...wrong });
      expect(await whois(token, settings), JSON.stringify(wrong)).toBeUndefined();
    }
  });

  test("one audience of several is enough", async () => {
    const token = await signed({ sub: "alice", ...right, aud: ["other", "parley"] });
    expect(await whois(token, settings)).toBeDefined();
  });

  test("do not matter when they are not set", async () => {
    const token = await signed({ sub: "alice", iss: "anybody", aud: "anything" });
    expect(await whois(token)).toBeDefined();
  });
});

describe("JWT_JWKS_URL", () => {
  test.each(["RS256", "PS256", "ES256", "ES384", "EdDSA"])("accepts %s", async (alg) => {
    const { sign } = await provider(alg);
    expect((await whois(await sign("alice"), JWKS))?.actor.userId).toBe("alice");
  });

  test("refuses a key of another provider", async () => {
    const { sign } = await provider("RS256");
    const token = await sign("mallory");
    await provider("RS256");
    expect(await whois(token, JWKS)).toBeUndefined();
  });

  test("refuses every token signed with a shared secret, the public key as one included", async () => {
    const { publicKey } = await provider("RS256");
    const pem = await exportSPKI(publicKey);
    for (const secret of [undefined, pem, pem.trim()]) {
      const token = await signed({ sub: "mallory" }, secret === undefined ? {} : { secret });
      expect(await whois(token, JWKS)).toBeUndefined();
    }
  });

  test("is not asked for tokens of a shared secret", async () => {
    const fetched = vi.spyOn(globalThis, "fetch");
    const { privateKey } = await generateKeyPair("RS256");
    const token = await new SignJWT()
      .setProtectedHeader({ alg: "RS256", jku: "https://evil.test/keys" })
      .setSubject("mallory")
      .setExpirationTime("1h")
      .sign(privateKey);
    expect(await whois(token)).toBeUndefined();
    expect(fetched).not.toHaveBeenCalled();
  });

  test("that cannot be reached makes nobody's token invalid: 503, not 401", async () => {
    const { sign } = await provider("RS256");
    const headers = { Authorization: `Bearer ${await sign(someone())}` };
    expect((await fetchWith(JWKS, CONVERSATIONS, { headers })).status).toBe(200);
    vi.mocked(globalThis.fetch).mockRejectedValue(new Error("network connection lost"));
    const answer = await fetchWith(JWKS, CONVERSATIONS, { headers });
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe("unavailable");
  });

  test.each(["<html>", "{}", '{"keys":1}'])(
    "that answers %s has told of no keys: 503",
    async (text) => {
      const { sign } = await provider("RS256");
      const headers = { Authorization: `Bearer ${await sign(someone())}` };
      vi.mocked(globalThis.fetch).mockImplementation(() => Promise.resolve(new Response(text)));
      // Settings of its own: the keys of another test are kept for ten minutes.
      const fresh = { ...JWKS, JWT_JWKS_URL: `https://login.test/${crypto.randomUUID()}` };
      const answer = await fetchWith(fresh, CONVERSATIONS, { headers });
      expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
    },
  );
});

test("a provider's keys are kept for ten minutes, and who was verified goes on without them", async () => {
  const { sign } = await provider("RS256");
  const start = Date.now();
  const [early, within, late] = [await sign("early"), await sign("within"), await sign("late")];
  const verifier = verifierWith(JWKS);
  const seen = async (token: string, afterMs: number) => {
    vi.setSystemTime(start + afterMs);
    return (await verifier.verified(token, Date.now()))?.actor.userId;
  };
  expect(globalThis.fetch).not.toHaveBeenCalled();
  expect(await seen(early, 0)).toBe("early");
  expect(await seen(within, 10 * 60_000 - 1_000)).toBe("within");
  expect(globalThis.fetch).toHaveBeenCalledTimes(1);
  vi.mocked(globalThis.fetch).mockRejectedValue(new Error("network connection lost"));
  await expect(seen(late, 10 * 60_000 + 1_000)).rejects.toThrow();
  expect(await seen(early, 10 * 60_000 + 1_000)).toBe("early");
  expect(globalThis.fetch).toHaveBeenCalledTimes(2);
});

describe("what a token says of a person", () => {
  test.each([
    [{}, "user"],
    [{ role: "admin" }, "admin"],
    [{ role: "resolver" }, "resolver"],
    [{ roles: "support" }, "support"],
    [{ roles: ["buyer", "admin"] }, "admin"],
    [{ role: ["support", "resolver"] }, "resolver"],
    [{ role: "administrator" }, "user"],
    [{ role: "__proto__" }, "user"],
    [{ role: { admin: true } }, "user"],
    [{ role: [["admin"]] }, "user"],
    [{ role: 1, roles: null }, "user"],
  ])("%j is the role %s", async (claims, role) => {
    expect((await actorOf(claims))?.role).toBe(role);
  });

  test.each([
    ["Alice", "Alice"],
    ["  Alice ", "Alice"],
    ["", null],
    [" \t ", null],
    ["Ali\u0007ce", null],
    [["Alice"], null],
    [7, null],
    ["😀".repeat(201), "😀".repeat(200)],
  ])("the name %j is %j", async (name, expected) => {
    expect((await actorOf({ name }))?.name).toBe(expected);
  });

  test.each([
    ["https://img.test/alice.png", "https://img.test/alice.png"],
    ["alice.png", null],
    [{ url: "https://img.test/alice.png" }, null],
    ["javascript:alert(1)", null],
    ["data:text/html,<script>alert(1)</script>", null],
  ])("the picture %j is %j", async (picture, expected) => {
    expect((await actorOf({ picture }))?.avatarUrl).toBe(expected);
  });

  test("reaches no further than a member, whatever the role", async () => {
    expect((await actorOf({ role: "admin", reach: "staff" }))?.reach).toBe("member");
  });

  test("has an end that can be written down, however far it lies", async () => {
    for (const exp of [4e9 + 0.5, 1e15, 1e306]) {
      const verified = await whois(await signed({ sub: "alice", exp }));
      if (verified) expect(JSON.parse(JSON.stringify(verified)).expiresAt).toBeGreaterThan(4e12);
    }
  });

  test("holds until the token expires", async () => {
    const token = await tokenFor("alice", { expiresIn: 60 });
    const verified = await whois(token);
    expect(Math.abs((verified?.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(5_000);
  });
});

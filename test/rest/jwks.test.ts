import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TokenVerifier } from "../../src/edge/token.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { someone } from "../support.ts";
import { CONVERSATIONS, envWith, fetchIn, segment, signed } from "./requests.ts";

/**
 * Keys of an identity provider instead of a shared secret. Each test has separate isolate state.
 */
const JWT_JWKS_URL = "https://login.test/keys";
let isolate: Env;

/**
 * A key pair: a function that signs with its private half, and its public half as the provider
 * lists it.
 */
async function keyPair(alg: string, more: object = {}) {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk: object = { ...(await exportJWK(pair.publicKey)), ...more };
  const sign = (userId: string, header: Record<string, unknown> = {}) =>
    new SignJWT()
      .setProtectedHeader({ alg, kid: "one", ...header })
      .setSubject(userId)
      .setExpirationTime("1h")
      .sign(pair.privateKey);
  return { ...pair, jwk, sign };
}

/** Sets the provider's response. */
function lists(...keys: unknown[]) {
  return vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async () => Response.json({ keys: [...keys] }));
}

function isUnreachable() {
  return vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("network connection lost"));
}

function verifier(): TokenVerifier {
  const settings = settingsOf(isolate);
  if (settings instanceof Error) throw settings;
  return new TokenVerifier(settings);
}

async function whois(token: string, by = verifier()): Promise<string | undefined> {
  return (await by.verified(token, Date.now()))?.actor.userId;
}

beforeEach(() => {
  isolate = envWith({ JWT_SECRET: undefined, JWT_JWKS_URL });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("keys and algorithms", () => {
  test.each([
    ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
  ])("%s is accepted, with or without an alg in the key", async (alg) => {
    const { sign, jwk } = await keyPair(alg, { kid: "one" });
    for (const key of [jwk, { ...jwk, alg }, { ...jwk, alg, use: "sig", key_ops: ["verify"] }]) {
      lists(key);
      expect(await whois(await sign("alice")), JSON.stringify(key)).toBe("alice");
    }
  });

  test.each([
    ["EdDSA", "Ed25519"],
    ["Ed25519", "EdDSA"],
  ])("%s and %s are the same algorithm", async (alg, named) => {
    const { sign, jwk } = await keyPair(alg, { kid: "one" });
    lists({ ...jwk, alg: named });
    expect(await whois(await sign("alice"))).toBe("alice");
  });

  test("a key of another provider is refused", async () => {
    const [mine, other] = [await keyPair("RS256"), await keyPair("RS256", { kid: "one" })];
    lists(other.jwk);
    expect(await whois(await mine.sign("mallory"))).toBeUndefined();
  });

  test.each([
    ["for another algorithm", "RS256", { alg: "RS512" }],
    ["for encryption", "RS256", { use: "enc" }],
    ["to sign, not to verify", "ES256", { key_ops: ["sign"] }],
    ["of another curve", "ES256", { crv: "P-384" }],
    ["of another type", "RS256", { kty: "EC" }],
    ["that is a secret", "RS256", { kty: "oct", k: "c2VjcmV0" }],
    ["that cannot be parsed", "RS256", { n: "" }],
  ])("a key %s is not used", async (_, alg, more) => {
    const { sign, jwk } = await keyPair(alg, { kid: "one" });
    lists({ ...jwk, ...more });
    expect(await whois(await sign("alice"))).toBeUndefined();
    lists({ ...jwk, ...more }, "no key", jwk);
    expect(await whois(await sign("alice"))).toBe("alice");
  });

  test("a token signed with a shared secret is refused, also if the secret is the public key", async () => {
    const { publicKey, jwk } = await keyPair("RS256", { kid: "one" });
    const pem = await exportSPKI(publicKey);
    for (const secret of [undefined, pem, pem.trim(), JSON.stringify(jwk)]) {
      const token = await signed({ sub: "mallory" }, secret === undefined ? {} : { secret });
      const oct = { kty: "oct", kid: "one", k: Buffer.from(secret ?? "").toString("base64url") };
      const fetched = lists(jwk, oct);
      fetched.mockClear();
      expect(await whois(token)).toBeUndefined();
      // No listed key could verify it.
      expect(fetched).not.toHaveBeenCalled();
    }
  });

  test.each(["none", "", "RS1", "HS512", "RSA-OAEP", "__proto__"])(
    "a token of alg %j is refused",
    async (alg) => {
      const { sign, jwk } = await keyPair("RS256", { kid: "one" });
      lists(jwk);
      const [, claims, signature] = (await sign("mallory")).split(".");
      const header = segment({ alg, kid: "one" });
      expect(await whois(`${header}.${claims}.${signature}`)).toBeUndefined();
      expect(await whois(`${header}.${claims}.`)).toBeUndefined();
    },
  );

  test("a key embedded in a token is not used", async () => {
    const [mine, other] = [await keyPair("ES256"), await keyPair("ES256", { kid: "one" })];
    lists(other.jwk);
    for (const header of [{ jwk: mine.jwk }, { jku: "https://evil.test/keys" }]) {
      expect(await whois(await mine.sign("mallory", header))).toBeUndefined();
    }
    expect(globalThis.fetch).toHaveBeenCalledWith(JWT_JWKS_URL, expect.anything());
    expect(globalThis.fetch).not.toHaveBeenCalledWith(
      expect.stringContaining("evil"),
      expect.anything(),
    );
  });

  test("nothing is fetched for tokens signed with a shared secret", async () => {
    const fetched = vi.spyOn(globalThis, "fetch");
    const { sign } = await keyPair("RS256");
    const settings = settingsOf(envWith({}));
    if (settings instanceof Error) throw settings;
    const token = await sign("mallory", { jku: "https://evil.test/keys" });
    expect(await whois(token, new TokenVerifier(settings))).toBeUndefined();
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe("without kid, every matching key is tried", () => {
  test("for a token without kid", async () => {
    const pairs = await Promise.all(
      ["a", "b", "c"].map((kid) => keyPair("RS256", { kid, alg: "RS256" })),
    );
    const odd = await keyPair("ES256", { kid: "d" });
    lists(odd.jwk, { kty: "RSA", n: "", e: "" }, ...pairs.map(({ jwk }) => jwk));
    for (const { sign } of [...pairs, odd]) {
      expect(await whois(await sign("alice", { kid: undefined }))).toBe("alice");
    }
    const stranger = await keyPair("RS256");
    expect(await whois(await stranger.sign("mallory", { kid: undefined }))).toBeUndefined();
  });

  test("for keys without kid, and tokens with or without one", async () => {
    const pairs = await Promise.all([keyPair("ES256"), keyPair("ES256")]);
    lists(...pairs.map(({ jwk }) => jwk));
    for (const { sign } of pairs) {
      expect(await whois(await sign("alice"))).toBe("alice");
      expect(await whois(await sign("alice", { kid: undefined }))).toBe("alice");
    }
  });

  test("for several keys with the same kid", async () => {
    const pairs = await Promise.all([1, 2].map(() => keyPair("ES256", { kid: "one" })));
    lists(...pairs.map(({ jwk }) => jwk));
    for (const { sign } of pairs) expect(await whois(await sign("alice"))).toBe("alice");
  });

  test("not for a key with another kid", async () => {
    const { sign, jwk } = await keyPair("ES256", { kid: "other" });
    lists(jwk);
    expect(await whois(await sign("alice"))).toBeUndefined();
  });
});

describe("the cache of keys", () => {
  const start = 1_900_000_000_000;
  const at = (afterMs: number) =>
    vi.useFakeTimers({ toFake: ["Date"], now: start + afterMs }) && undefined;

  test("expires after ten minutes; tokens verified before stay valid", async () => {
    at(0);
    const { sign, jwk } = await keyPair("RS256", { kid: "one" });
    const fetched = lists(jwk);
    const [early, within, late] = [await sign("early"), await sign("within"), await sign("late")];
    const by = verifier();
    expect(await whois(early, by)).toBe("early");
    at(10 * 60_000 - 1_000);
    expect(await whois(within, by)).toBe("within");
    expect(fetched).toHaveBeenCalledTimes(1);
    isUnreachable();
    at(10 * 60_000 + 1_000);
    await expect(whois(late, by)).rejects.toThrow();
    expect(await whois(early, by)).toBe("early");
    expect(fetched).toHaveBeenCalledTimes(2);
  });

  test.each([
    ["with a new kid", "older", "new"],
    ["without a kid", undefined, undefined],
  ])("is refreshed for a key %s, at most every 30 seconds", async (_, older, kid) => {
    at(0);
    const [before, after] = await Promise.all(
      [older, kid].map((name) => keyPair("ES256", { kid: name })),
    );
    if (!before || !after) throw new Error("two keys");
    const fetched = lists(before.jwk);
    const by = verifier();
    expect(await whois(await before.sign("alice", { kid: older }), by)).toBe("alice");
    lists(before.jwk, after.jwk);
    at(29_000);
    expect(await whois(await after.sign("bob", { kid }), by)).toBeUndefined();
    expect(fetched).toHaveBeenCalledTimes(1);
    at(31_000);
    expect(await whois(await after.sign("bob", { kid }), by)).toBe("bob");
    expect(fetched).toHaveBeenCalledTimes(2);
    const stranger = await keyPair("ES256");
    expect(await whois(await stranger.sign("mallory", { kid }), by)).toBeUndefined();
    expect(fetched).toHaveBeenCalledTimes(2);
  });

  test("is not refreshed for a forged signature under a known kid", async () => {
    at(0);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    const fetched = lists(jwk);
    const by = verifier();
    expect(await whois(await sign("alice"), by)).toBe("alice");
    at(60_000);
    const forger = await keyPair("ES256");
    expect(await whois(await forger.sign("mallory"), by)).toBeUndefined();
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  test("is refreshed after a clock that was fast is corrected", async () => {
    at(3_600_000);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    lists({ ...jwk, kid: "older" });
    const by = verifier();
    expect(await whois(await sign("alice"), by)).toBeUndefined();
    lists(jwk);
    at(0);
    expect(await whois(await sign("alice"), by)).toBe("alice");
  });
});

describe("when the provider is unreachable, the answer is 503 and not 401", () => {
  /** Sends a request under the settings of this test. */
  const asked = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    const { status, body, headers: answered } = await fetchIn(isolate, CONVERSATIONS, { headers });
    return { status, code: body.code, retryAfter: answered.get("Retry-After") };
  };
  const start = 1_900_000_000_000;
  const at = (afterMs: number) =>
    vi.useFakeTimers({ toFake: ["Date"], now: start + afterMs }) && undefined;
  const unavailable = (retryAfter: string) => ({ status: 503, code: "unavailable", retryAfter });

  test.each<[string, () => Promise<Response>]>([
    ["does not answer", () => Promise.reject(new Error("network connection lost"))],
    ["answers 500", async () => new Response("no", { status: 500 })],
    ["answers 404", async () => Response.json({ keys: [] }, { status: 404 })],
    ["redirects", async () => new Response(null, { status: 302, headers: { Location: "/" } })],
    ["answers HTML", async () => new Response("<html>")],
    ["answers without keys", async () => new Response("{}")],
    ["answers a number for keys", async () => new Response('{"keys":1}')],
    ["answers null", async () => new Response("null")],
  ])("one that %s: 503, and it is not called again for 30 s", async (_, answer) => {
    at(0);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(answer);
    const token = await sign(someone());
    expect(await asked(token)).toEqual(unavailable("30"));
    at(100);
    expect(await asked(token)).toEqual(unavailable("30"));
    at(18_000);
    expect(await asked(await sign(someone()))).toEqual(unavailable("12"));
    expect(fetched).toHaveBeenCalledTimes(1);
    lists(jwk);
    at(29_999);
    expect(await asked(token)).toEqual(unavailable("1"));
    expect(fetched).toHaveBeenCalledTimes(1);
    at(30_000);
    expect((await asked(token)).status).toBe(200);
    expect(fetched).toHaveBeenCalledTimes(2);
  });

  test("while one request retries the provider, the others are answered at once", async () => {
    at(0);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    isUnreachable();
    const by = verifier();
    await expect(whois(await sign("alice"), by)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    const answer = Promise.withResolvers<Response>();
    const fetched = vi.spyOn(globalThis, "fetch").mockReturnValue(answer.promise);
    fetched.mockClear();
    at(30_000);
    const first = whois(await sign("alice"), by);
    await expect(whois(await sign("bob"), by)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    expect(fetched).toHaveBeenCalledTimes(1);
    answer.resolve(Response.json({ keys: [jwk] }));
    expect(await first).toBe("alice");
    expect(await whois(await sign("bob"), by)).toBe("bob");
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  test("tokens with known keys and tokens verified before are accepted", async () => {
    at(0);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    lists(jwk);
    const before = await sign(someone());
    expect((await asked(before)).status).toBe(200);
    isUnreachable();
    at(60_000);
    const unknown = await keyPair("ES256").then((pair) => pair.sign(someone(), { kid: "new" }));
    expect(await asked(unknown)).toEqual(unavailable("30"));
    expect((await asked(await sign(someone()))).status).toBe(200);
    expect((await asked(before)).status).toBe(200);
    // Only an unknown key causes a fetch; malformed tokens do not.
    expect((await asked("a.b.c")).status).toBe(401);
    expect((await asked(await signed({ sub: someone() }))).status).toBe(401);
  });

  test("the provider is called again after a clock that was fast is corrected", async () => {
    at(3_600_000);
    const { sign, jwk } = await keyPair("ES256", { kid: "one" });
    isUnreachable();
    expect(await asked(await sign(someone()))).toEqual(unavailable("30"));
    lists(jwk);
    at(0);
    expect((await asked(await sign(someone()))).status).toBe(200);
  });

  test("the failure is logged once, without the token", async () => {
    const log = vi.spyOn(console, "log").mockReturnValue(undefined);
    at(0);
    const { sign } = await keyPair("ES256", { kid: "one" });
    isUnreachable();
    const token = await sign(someone());
    for (let i = 0; i < 3; i++) expect((await asked(token)).status).toBe(503);
    const logged = log.mock.calls.map(([line]) => String(line));
    expect(logged.filter((line) => line.includes("keys_unavailable"))).toHaveLength(1);
    expect(logged.join()).toContain("network connection lost");
    expect(logged.join()).not.toContain(token);
  });
});

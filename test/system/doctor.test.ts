import { createServer, type RequestListener, type Server as StandIn } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lookAtToken } from "../../src/cli/doctor/claims.ts";
import { judged, type Report } from "../../src/cli/doctor/report.ts";
import { startProduction } from "./production.ts";
import { cleanUp, freePort, run, type Server, temporaryFolder } from "./server.ts";
import { signedFor } from "./token.ts";

/** `npm run doctor`: against a real Parley, servers that are none, and what it makes of reports. */

let server: Server;
const standIns: StandIn[] = [];
beforeAll(async () => {
  server = await startProduction(await temporaryFolder());
});
afterAll(async () => {
  for (const one of standIns) one.close();
  await cleanUp();
});

interface Outcome {
  code: number;
  healthy: boolean;
  /** By code. */
  levels: Record<string, string>;
  text: string;
}

/** Runs the command with `--json`. */
async function examined(address: string, token = ""): Promise<Outcome> {
  const { code, stdout } = await run(
    ...["env", `PARLEY_TOKEN=${token}`, process.execPath, "src/cli/doctor.ts"],
    ...([address, "--json"] as const),
  ).then(
    (stdout) => ({ code: 0, stdout }),
    (failure: { code: number; stdout: string }) => failure,
  );
  const { healthy, findings } = JSON.parse(stdout);
  const levels = Object.fromEntries(
    findings.map(({ code, level }: { code: string; level: string }) => [code, level]),
  );
  return { code, healthy, levels, text: stdout };
}

async function standIn(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  standIns.push(server);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

describe("a server of this folder", () => {
  test("without a token: what anybody sees", async () => {
    const { code, levels } = await examined(server.address);
    expect(code).toBe(0);
    expect(levels).toMatchObject({
      reachable: "ok",
      tokens_required: "ok",
      sockets: "ok",
      production: "note",
      no_token: "note",
    });
  });

  test("with an admin's token: every part, and the way of a message; nothing piles up", async () => {
    const token = await signedFor("operator", 3_600, { role: "admin" });
    for (const _ of [1, 2]) {
      const { code, levels, healthy, text } = await examined(server.address, token);
      expect(levels).toMatchObject({
        ...{ d1: "ok", r2: "ok", conversations: "ok", inboxes: "ok", gateways: "ok", jobs: "ok" },
        ...{ migrations: "ok", version: "ok", secrets: "ok", message: "ok", metrics: "note" },
        ...{ worker_clock: "ok", database_clock: "ok", cron_never: "warning" },
      });
      expect([code, healthy]).toEqual([0, true]);
      expect(text).not.toContain(token);
    }
    const headers = { Authorization: `Bearer ${token}` };
    const list = await fetch(`${server.address}/api/v1/chat/conversations`, { headers });
    const items: { conversationId: string }[] = await list.json();
    expect(items).toHaveLength(1);
    const address = `${server.address}/api/v1/chat/messages?conversationId=${items[0]?.conversationId}`;
    const messages = await (await fetch(address, { headers })).json();
    expect(messages.items.map(({ content }: { content: string }) => content)).toEqual(["", ""]);
  });

  test("a token that is not an admin's, is another server's, has expired, or is none", async () => {
    const { address } = server;
    const user = await examined(address, await signedFor("alice"));
    expect([user.code, user.levels["token_not_admin"]]).toEqual([1, "error"]);
    const [head, body] = (await signedFor("operator", 3_600, { role: "admin" })).split(".");
    const forged = await examined(address, `${head}.${body}.AAAA`);
    expect([forged.code, forged.levels["token_refused"]]).toEqual([1, "error"]);
    const old = await examined(address, await signedFor("operator", -1, { role: "admin" }));
    expect(old.levels).toMatchObject({ token_expired: "error", token_refused: "error" });
    expect((await examined(address, "nonsense")).levels["token_unreadable"]).toBe("error");
  });

  test("for people, each finding is a line, and what to do is below it", async () => {
    const text = await run(process.execPath, "src/cli/doctor.ts", server.address);
    expect(text).toMatch(/^note +https +The address is of this machine/m);
    expect(text).toMatch(/^ +→ Set PARLEY_TOKEN to the token of an admin\.$/m);
    expect(text).toMatch(/\n\n0 errors, 0 warnings\.$/);
  });
});

describe("another server, or none", () => {
  test("nobody answers", async () => {
    const { code, levels } = await examined(`http://localhost:${await freePort()}`);
    expect([code, levels["unreachable"]]).toEqual([1, "error"]);
  });

  test.each<[string, RequestListener]>([
    ["not_parley", (_, response) => response.end("<html>")],
    ["redirected", (_, response) => response.writeHead(301, { Location: "/x" }).end()],
    [
      "misconfigured",
      (_, response) => response.writeHead(503).end(JSON.stringify({ code: "misconfigured" })),
    ],
    [
      "tokens_not_required",
      ({ url }, response) =>
        response
          .writeHead(url?.startsWith("/api/development") ? 404 : 200)
          .end(JSON.stringify({ status: "ok" })),
    ],
    [
      "clock_skew",
      ({ url }, response) =>
        response
          .writeHead(url === "/healthz" ? 200 : 401, { Date: new Date(0).toUTCString() })
          .end(JSON.stringify({ status: "ok" })),
    ],
  ])("%s", async (expected, listener) => {
    const { levels } = await examined(await standIn(listener));
    expect(levels).toHaveProperty(expected);
  });
});

describe("what a report means", () => {
  const NOW = Date.parse("2026-11-28T12:00:00.000Z");
  const at = (ms: number) => new Date(NOW + ms).toISOString();
  const HEALTHY: Report = {
    version: "1",
    environment: "production",
    time: at(0),
    caller: { userId: "operator", role: "admin" },
    settings: {
      ...{ publicUrl: "https://chat.example", allowedOrigins: [], jurisdiction: "eu" },
      ...{ tokens: "keys", issuer: true, audience: true, requestLimits: true },
      ...{ distinctSecrets: true, metrics: true },
    },
    checks: [{ name: "d1", outcome: "ok", milliseconds: 3 }],
    database: { time: at(0), newestMigration: "0006_x.sql", appliedMigration: "0006_x.sql" },
    cron: { finishedAt: at(-3_600_000) },
  };
  const { settings, database } = HEALTHY;
  const of = (change: Partial<Report>, url = "https://chat.example") =>
    judged(
      { ...HEALTHY, ...change },
      { origin: url, token: undefined },
      { version: "1", newestMigration: "0006_x.sql" },
      { from: NOW - 100, to: NOW + 100 },
    ).filter(({ level }) => level !== "ok");

  test("a healthy one has nothing to mend", () => {
    expect(of({})).toEqual([]);
  });

  test.each<[string, Partial<Report>, string?]>([
    ["error d1_failed", { checks: [{ name: "d1", outcome: "timeout", milliseconds: 5_000 }] }],
    ["warning version_differs", { version: "2" }],
    ["error migrations_pending", { database: { ...database, appliedMigration: "0005_w.sql" } }],
    ["note migrations", { database: { ...database, appliedMigration: null } }],
    [
      "warning older_than_folder",
      { database: { ...database, newestMigration: "0005_w.sql", appliedMigration: "0005_w.sql" } },
    ],
    ["error no_public_url", { settings: { ...settings, publicUrl: null } }],
    ["warning public_url_differs", {}, "https://parley.example.workers.dev"],
    ["warning any_origin", { settings: { ...settings, allowedOrigins: ["*"] } }],
    ["warning page_not_allowed", { settings: { ...settings, allowedOrigins: ["https://a.b"] } }],
    ["error development", { environment: "development" }],
    ["warning shared_secrets", { settings: { ...settings, distinctSecrets: false } }],
    ["warning issuer_unchecked", { settings: { ...settings, audience: false } }],
    ["warning limits_off", { settings: { ...settings, requestLimits: false } }],
    ["note metrics", { settings: { ...settings, metrics: false } }],
    ["warning cron_never", { cron: { finishedAt: null } }],
    ["error cron_stopped", { cron: { finishedAt: at(-3 * 3_600_000) } }],
    ["warning database_clock_skew", { database: { ...database, time: at(60_000) } }],
  ])("%s", (expected, change, url) => {
    expect(of(change, url).map(({ level, code }) => `${level} ${code}`)).toEqual([expected]);
  });

  test("whatever is wrong has something to do", () => {
    for (const { level, mend } of of({ environment: "development", version: "2" })) {
      expect([level, mend]).toEqual([level, expect.any(String)]);
    }
  });

  test("tokens", () => {
    const token = (claims: object) =>
      `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
    const codes = [
      { role: "admin", exp: NOW / 1_000 + 60 },
      { role: "admin" },
      { role: "admin", exp: NOW / 1_000 },
      { role: "admin", exp: NOW / 1_000 + 1_000_000 },
      { role: "admin", exp: NOW / 1_000 + 1_000, nbf: NOW / 1_000 + 100 },
    ].map((claims) => lookAtToken(token(claims), NOW).code);
    expect(codes).toEqual([
      ...["token_claims", "token_without_end", "token_expired", "token_long", "token_too_early"],
    ]);
  });
});

test("the command line", async () => {
  const asked = (...args: string[]) => run(process.execPath, "src/cli/doctor.ts", ...args);
  expect(await asked("--help")).toMatch(/^usage: .*npm run doctor/);
  for (const args of [[], ["localhost:8787"], ["http://a.b", "http://c.d"], ["--nonsense"]]) {
    await expect(asked(...args)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/usage: .*npm run doctor/),
    });
  }
});

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { Sessions } from "../../src/conversation/outbound/sockets/sessions.ts";
import { SignalRGateway } from "../../src/dialects/unihub/signalr/gateway.ts";
import { log } from "../../src/logging.ts";
import { Hub } from "../gateway/line.ts";
import {
  Caller,
  directPair,
  objectOf,
  openLive,
  person,
  send,
  someone,
  tokenFor,
} from "../support.ts";
import { CONVERSATIONS, fetchWith, USERS } from "./requests.ts";

/** Failures are logged as docs/operations.md describes, and never with what users wrote. */

const SECRET = "a word to nobody else";

let lines: string[];
beforeEach(() => {
  lines = [];
  vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
});
afterEach(() => {
  // This holds for every event that a test causes.
  expect(lines.join("\n").toLowerCase()).not.toContain(SECRET);
  vi.restoreAllMocks();
});

/** The events of this name so far. */
function logged(event: string): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line)).filter((one) => one.event === event);
}

/** Makes every D1 statement fail with a message. */
function breakD1(): void {
  const broken = () => Promise.reject(new Error("D1_ERROR: out of order"));
  const statement = Object.getPrototypeOf(env.DB.prepare("SELECT 1"));
  for (const name of ["run", "all", "raw", "first"]) {
    vi.spyOn(statement, name).mockImplementation(broken);
  }
  vi.spyOn(env.DB, "batch").mockImplementation(broken);
}

/** Makes a conversation's storage reject statements with this beginning. */
function breakStorage(conversationId: string, beginning: string): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, "exec").mockImplementation((query, ...bindings) => {
      if (query.startsWith(beginning)) throw new Error("the disk said no");
      return exec(query, ...bindings) as ReturnType<typeof sql.exec<never>>;
    });
  });
}

const OUT_OF_ORDER = { error: expect.stringMatching(/^Error: D1_ERROR: out of order\n\s+at /) };

test("acquaintance_failed and unavailable: the request, and D1's error", async () => {
  breakD1();
  const userId = someone();
  const caller = new Caller(userId, await tokenFor(userId, { name: `Ann, ${SECRET}` }));
  const answer = await caller.get(`${USERS}?q=${encodeURIComponent(SECRET)}`);
  expect(answer.status).toBe(503);
  const requestId = answer.headers.get("X-Request-Id");
  expect(logged("acquaintance_failed")).toEqual([
    { event: "acquaintance_failed", requestId, ...OUT_OF_ORDER },
  ]);
  expect(logged("unavailable")).toEqual([
    { event: "unavailable", requestId, method: "GET", path: USERS, userId, ...OUT_OF_ORDER },
  ]);
});

test("projection_failed, retried after half a second up to 60, and projection_recovered", async () => {
  const { alice, conversationId } = await directPair();
  breakD1();
  await send(alice, conversationId, SECRET);
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    await runDurableObjectAlarm(objectOf(conversationId));
    const alarm = await runInDurableObject(objectOf(conversationId), (_, { storage }) =>
      storage.getAlarm(),
    );
    waits.push((alarm ?? 0) - Date.now());
  }
  const failures = logged("projection_failed");
  expect(failures.map((one) => one["failures"])).toEqual(failures.map((_, i) => i + 1));
  expect(failures[0]).toMatchObject({ conversationId, rev: 4, ...OUT_OF_ORDER });
  expect(Math.min(...waits)).toBeGreaterThan(400);
  expect(Math.max(...waits)).toBeGreaterThan(29_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
  vi.mocked(env.DB.batch).mockRestore();
  await runDurableObjectAlarm(objectOf(conversationId));
  expect(logged("projection_recovered")).toEqual([
    { event: "projection_recovered", conversationId, failures: failures.length },
  ]);
});

test("command_failed: a bug in one command", async () => {
  const { alice, conversationId } = await directPair();
  await breakStorage(conversationId, "INSERT INTO messages");
  expect((await send(alice, conversationId, SECRET)).body.code).toBe("internal");
  expect(logged("command_failed")).toEqual([
    {
      event: "command_failed",
      conversationId,
      error: expect.stringMatching(/^Error: the disk said no/),
    },
  ]);
});

test("commit_failed: storage rejects a group, and the object restarts", async () => {
  const { alice, conversationId } = await directPair();
  await breakStorage(conversationId, "UPDATE counters");
  expect((await send(alice, conversationId, SECRET)).status).toBeGreaterThanOrEqual(500);
  expect(logged("commit_failed")[0]).toMatchObject({
    conversationId,
    error: expect.stringMatching(/^Error: the disk said no/),
  });
});

test("files_failed: D1 fails for a socket's send with files", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  breakD1();
  socket.send({ op: "send", id: 1, content: SECRET, attachments: ["none"] });
  expect(await socket.next("error")).toMatchObject({ id: 1, code: "unavailable" });
  expect(logged("files_failed")).toEqual([
    { event: "files_failed", conversationId, ...OUT_OF_ORDER },
  ]);
});

/** Adds a bug to a method of the objects. */
function breakMethod<Name extends string>(prototype: Record<Name, unknown>, name: Name): void {
  vi.spyOn(prototype as Record<string, () => never>, name).mockImplementation(() => {
    throw new TypeError("a bug");
  });
}
const A_BUG = { error: expect.stringMatching(/^TypeError: a bug/) };

test("frame_failed: a bug while a frame is handled", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  breakMethod(Sessions.prototype, "broadcastTyping");
  socket.send({ op: "typing", active: true });
  expect(await socket.next("error")).toMatchObject({ code: "internal" });
  expect(logged("frame_failed")).toEqual([{ event: "frame_failed", ...A_BUG }]);
});

test("call_failed: a bug while a call of a gateway's client is handled", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  breakMethod(Conversation.prototype, "subscribe");
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("error");
  expect(logged("call_failed")).toEqual([{ event: "call_failed", ...A_BUG }]);
});

test("gateway_failed: delivery to a gateway failed", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  breakMethod(SignalRGateway.prototype, "deliver");
  await send(bob, conversationId, SECRET);
  await vi.waitFor(() => expect(logged("gateway_failed")[0]).toMatchObject({ conversationId }));
});

test("conversation_failed: a gateway could not read missed events; its client reconnects", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, SECRET);
  breakMethod(Conversation.prototype, "eventsSince");
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId, 1);
  await hub.line.closed;
  expect(hub.line.received.at(-1)).toContain('"allowReconnect":true');
  expect(logged("conversation_failed")).toEqual([
    { event: "conversation_failed", conversationId, ...A_BUG },
  ]);
});

test("rebuilt and rebuild_failed: the counts, and the ids that failed", async () => {
  const { conversationId } = await directPair();
  const admin = await person("admin", { role: "admin" });
  breakMethod(Conversation.prototype, "rebuild");
  const answer = await admin.post("/api/admin/rebuild", { ids: [conversationId] });
  const requestId = answer.headers.get("X-Request-Id");
  expect(logged("rebuild_failed")).toEqual([
    { event: "rebuild_failed", requestId, id: conversationId, ...A_BUG },
  ]);
  const counts = { rebuilt: 0, unfinished: 0, failed: 1 };
  const { userId } = admin;
  expect(logged("rebuilt")).toEqual([{ event: "rebuilt", requestId, userId, ...counts }]);
});

test("keys_unavailable: the identity provider is unreachable", async () => {
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("network connection lost"));
  const settings = { JWT_SECRET: undefined, JWT_JWKS_URL: "https://login.test/keys" };
  const { privateKey } = await generateKeyPair("RS256");
  const token = await new SignJWT({ name: SECRET })
    .setProtectedHeader({ alg: "RS256" })
    .setSubject(someone())
    .setExpirationTime("1h")
    .sign(privateKey);
  const headers = { Authorization: `Bearer ${token}` };
  expect((await fetchWith(settings, CONVERSATIONS, { headers })).status).toBe(503);
  expect(logged("keys_unavailable")).toHaveLength(1);
});

test("parameters of a statement are removed from errors that only drizzle's wrapper describes", () => {
  const lost = new Error(`Failed query: SELECT ?\nparams: 7,${SECRET}\nand more, ${SECRET}`);
  lost.stack = `Error: ${lost.message}\n    at somewhere (a.ts:1:1)`;
  log("internal_error", { error: lost });
  expect(logged("internal_error")).toEqual([
    {
      event: "internal_error",
      error: "Error: Failed query: SELECT ?\n    at somewhere (a.ts:1:1)",
    },
  ]);
});

test("whom an admin was shown is logged, and never what they searched for", async () => {
  const admin = await person("admin", { role: "admin" });
  const paths = [`users?q=${encodeURIComponent(SECRET)}`, "users", "conversations"];
  for (const path of paths) {
    expect((await admin.get(`/api/admin/${path}`)).status).toBe(200);
  }
  expect(logged("admin_read")).toMatchObject([
    { userId: admin.userId, what: "users" },
    { userId: admin.userId, what: "users" },
    { userId: admin.userId, what: "conversations" },
  ]);
});

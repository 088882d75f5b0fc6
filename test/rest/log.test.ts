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

/** What goes wrong is logged as docs/operations.md has it, and never with what people wrote. */

const SECRET = "a word to nobody else";

let lines: string[];
beforeEach(() => {
  lines = [];
  vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
});
afterEach(() => {
  // Whatever was provoked.
  expect(lines.join("\n").toLowerCase()).not.toContain(SECRET);
  vi.restoreAllMocks();
});

/** The events of a name so far. */
function logged(event: string): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line)).filter((one) => one.event === event);
}

/** D1 fails at every statement, and says so as it does. */
function breakD1(): void {
  const broken = () => Promise.reject(new Error("D1_ERROR: out of order"));
  const statement = Object.getPrototypeOf(env.DB.prepare("SELECT 1"));
  for (const name of ["run", "all", "raw", "first"]) {
    vi.spyOn(statement, name).mockImplementation(broken);
  }
  vi.spyOn(env.DB, "batch").mockImplementation(broken);
}

/** The storage of a conversation refuses statements that begin so. */
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

test("acquaintance_failed and unavailable: the request, and what D1 said", async () => {
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

test("projection_failed, tried again after half a second to 60, and projection_recovered", async () => {
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

test("commit_failed: storage refuses a group, and the object starts anew", async () => {
  const { alice, conversationId } = await directPair();
  await breakStorage(conversationId, "UPDATE counters");
  expect((await send(alice, conversationId, SECRET)).status).toBeGreaterThanOrEqual(500);
  expect(logged("commit_failed")[0]).toMatchObject({
    conversationId,
    error: expect.stringMatching(/^Error: the disk said no/),
  });
});

test("files_failed: what a socket's send with files was to be asked of D1", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  breakD1();
  socket.send({ op: "send", id: 1, content: SECRET, attachments: ["none"] });
  expect(await socket.next("error")).toMatchObject({ id: 1, code: "unavailable" });
  expect(logged("files_failed")).toEqual([
    { event: "files_failed", conversationId, ...OUT_OF_ORDER },
  ]);
});

/** A method of the objects has a bug, which says what it was told. */
function breakMethod<Name extends string>(prototype: Record<Name, unknown>, name: Name): void {
  vi.spyOn(prototype as Record<string, () => never>, name).mockImplementation(() => {
    throw new TypeError("a bug");
  });
}
const A_BUG = { error: expect.stringMatching(/^TypeError: a bug/) };

test("frame_failed: a bug in what a frame asks", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  breakMethod(Sessions.prototype, "broadcastTyping");
  socket.send({ op: "typing", active: true });
  expect(await socket.next("error")).toMatchObject({ code: "internal" });
  expect(logged("frame_failed")).toEqual([{ event: "frame_failed", ...A_BUG }]);
});

test("call_failed: a bug in what a gateway's client calls", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  breakMethod(Conversation.prototype, "subscribe");
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("error");
  expect(logged("call_failed")).toEqual([{ event: "call_failed", ...A_BUG }]);
});

test("gateway_failed: a gateway could not be told", async () => {
  const { alice, bob, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  breakMethod(SignalRGateway.prototype, "deliver");
  await send(bob, conversationId, SECRET);
  await vi.waitFor(() => expect(logged("gateway_failed")[0]).toMatchObject({ conversationId }));
});

test("conversation_failed: a gateway could not ask for what it missed; its client comes back", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(bob, conversationId, SECRET);
  breakMethod(Conversation.prototype, "eventsSince");
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId, 1);
  await hub.line.closed;
  expect(hub.line.heard.at(-1)).toContain('"allowReconnect":true');
  expect(logged("conversation_failed")).toEqual([
    { event: "conversation_failed", conversationId, ...A_BUG },
  ]);
});

test("rebuilt and rebuild_failed: how many, and which could not", async () => {
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

test("keys_unavailable: the identity provider is out of reach", async () => {
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

test("what a statement was given is left out where drizzle's wrapper is all there is", () => {
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

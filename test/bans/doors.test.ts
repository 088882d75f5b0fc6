import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/domain/error.ts";
import { FORM_HEADERS, formOf, putFile, upload } from "../attachments/support.ts";
import { get, Hub, Io, Line } from "../gateway/line.ts";
import { openInbox } from "../inbox/replica.ts";
import { type Caller, directPair, ORIGIN, open, person, send } from "../support.ts";
import { admin, ban, banPath, unban } from "./support.ts";

/** Every way into the service refuses a banned user. */

const UPGRADE = { Upgrade: "websocket" };
const POLLING = "/socket.io/?EIO=4&transport=polling";
const bearer = ({ token }: Caller) => ({ Authorization: `Bearer ${token}` });
const BANNED = { code: "banned", message: ERRORS.banned[1] };

/** What a door answers: `in`, or the code of the refusal. */
type Door = (caller: Caller, conversationId: string) => Promise<string>;

const rest =
  (method: "get" | "post" | "put" | "patch" | "delete", path: string, body?: object): Door =>
  async (caller, conversationId) => {
    const address = path.replace("{id}", conversationId);
    const answer = await (method === "get" ? caller.get(address) : caller[method](address, body));
    if (answer.body?.code === "banned") {
      expect(answer.status).toBe(403);
      return "banned";
    }
    return answer.status < 400 ? "in" : (answer.body?.code ?? answer.body?.errorCode);
  };

/** The text of a plain answer. */
async function plain(response: Response): Promise<string> {
  const text = await response.text();
  if (response.ok) return "in";
  expect(response.status).toBe(403);
  expect(text).toContain(ERRORS.banned[1]);
  return "banned";
}

const DOORS: Record<string, Door> = {
  "UniHub: lists": rest("get", "/api/v1/chat/conversations"),
  "UniHub: history": rest("get", "/api/v1/chat/messages?conversationId={id}"),
  "UniHub: a send": async (caller, id) => {
    const { status, body } = await send(caller, id, "x");
    return status === 201 ? "in" : body.code;
  },
  "UniHub: an upload by form": async (caller) =>
    (await upload(caller, "a.txt", "x")).body.code ?? "in",
  "UniHub: an upload": async (caller) => (await putFile(caller, "a.txt", "x")).body.code ?? "in",
  "marketplace: lists": rest("get", "/api/chat"),
  "marketplace: history": rest("get", "/api/chat/{id}/messages"),
  "marketplace: a send": rest("post", "/api/chat/{id}/messages", { content: "x" }),
  "marketplace: a file": async (caller, id) => {
    const body = formOf({ name: "file", filename: "a.txt", content: "x" });
    const headers = { ...bearer(caller), ...FORM_HEADERS };
    const path = `/api/chat/${id}/messages/file`;
    const response = await get(path, headers, { method: "POST", body });
    return response.ok ? "in" : plain(response);
  },
  people: rest("get", "/api/users?q=x"),
  presence: rest("get", "/api/users/presence?ids=x"),
  notifications: rest("get", "/api/notifications/settings"),
  push: rest("get", "/api/push/key"),
  "native socket": async (caller, id) => {
    const socket = await open(caller, id);
    await socket.until(() => socket.events.length > 0);
    const [event] = socket.events;
    if (event?.type === "hello") return "in";
    expect(event).toEqual({ type: "error", ...BANNED });
    expect(await socket.closed).toEqual({ code: 4403, reason: "banned" });
    return "banned";
  },
  inbox: async (caller) => {
    const inbox = await openInbox(caller);
    await inbox.until(() => inbox.events.length > 0);
    const [event] = inbox.events;
    if (event?.type === "hello") return "in";
    expect(event).toMatchObject({ type: "error", ...BANNED });
    expect(await inbox.closed).toEqual({ code: 4403, reason: "banned" });
    return "banned";
  },
  "SignalR: negotiation": async (caller) =>
    plain(await get("/hubs/chat/negotiate", bearer(caller), { method: "POST" })),
  "SignalR: connection": async (caller) => {
    const response = await get("/hubs/chat", { ...UPGRADE, ...bearer(caller) });
    if (response.status !== 101) return plain(response);
    new Line(response);
    return "in";
  },
  "Socket.IO: token in the address": async ({ token }) => {
    const path = `/socket.io/?EIO=4&transport=websocket&token=${token}`;
    const response = await get(path, UPGRADE);
    if (response.status !== 101) return plain(response);
    new Line(response);
    return "in";
  },
  "Socket.IO: token in the packet": async ({ token }) => {
    const io = await Io.open();
    io.line.say(`40${JSON.stringify({ token })}`);
    const answer = await io.line.receives((text) => text.startsWith("4"));
    if (answer.startsWith("40")) return "in";
    expect(JSON.parse(answer.slice(2))).toMatchObject({ message: BANNED.message });
    return "banned";
  },
  "long polling": async ({ token }) => {
    const opened = await get(POLLING);
    const { sid } = JSON.parse((await opened.text()).slice(1));
    const session = `${POLLING}&sid=${sid}`;
    await get(session, {}, { method: "POST", body: `40${JSON.stringify({ token })}` });
    const answer = await (await get(session)).text();
    return answer.startsWith("40") ? "in" : JSON.parse(answer.slice(2)).data.code;
  },
};

test.each(Object.entries(DOORS))("%s", async (_, enter) => {
  const { alice, bob, conversationId } = await directPair();
  expect(await enter(bob, conversationId)).toBe("in");
  await ban(bob);
  expect(await enter(bob, conversationId)).toBe("banned");
  expect(await enter(alice, conversationId)).toBe("in");
  await unban(bob);
  expect(await enter(bob, conversationId)).toBe("in");
});

test("admins can be banned by others, but not by themselves", async () => {
  const other = await person("admin", { role: "admin" });
  const answer = await other.put(banPath(other), {});
  expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
  await ban(other);
  expect((await other.get("/api/admin/bans")).body.code).toBe("banned");
  expect((await other.delete(banPath(other))).body.code).toBe("banned");
});

test("only admins ban", async () => {
  const { alice, bob } = await directPair();
  const resolver = await person("resolver", { role: "resolver" });
  for (const caller of [alice, resolver]) {
    expect((await caller.put(banPath(bob), {})).body.code).toBe("forbidden");
    expect((await caller.delete(banPath(bob))).body.code).toBe("forbidden");
    expect((await caller.get("/api/admin/bans")).body.code).toBe("forbidden");
  }
  expect((await send(bob, crypto.randomUUID(), "x")).body.code).toBe("conversation_not_found");
});

test("a file by token is refused; a link that was signed before is not bound to anybody", async () => {
  const { bob } = await directPair();
  const { body } = await upload(bob, "a.txt", "x");
  const link = new URL(body.fileUrl);
  const download = async (headers: HeadersInit, search = "") =>
    (await exports.default.fetch(new Request(ORIGIN + link.pathname + search, { headers }))).status;
  expect(await download(bearer(bob))).toBe(200);
  await ban(bob);
  expect(await download(bearer(bob))).toBe(403);
  expect(await download({}, link.search)).toBe(200);
});

test("a SignalR connection that was opened before the ban is refused at its handshake", async () => {
  const { bob } = await directPair();
  const hub = await Hub.open(bob);
  await ban(bob);
  hub.line.say(`{"protocol":"json","version":1}\x1e`);
  await hub.line.closed;
  expect(hub.messages()).toEqual([{ error: BANNED.message }]);
});

test("a Socket.IO connection that was opened with a token before the ban is refused when it connects", async () => {
  const { bob } = await directPair();
  const path = `/socket.io/?EIO=4&transport=websocket&token=${bob.token}`;
  const line = new Line(await get(path, UPGRADE));
  await line.receives((text) => text.startsWith("0"));
  await ban(bob);
  line.say("40");
  const refused = await line.receives((text) => text.startsWith("44"));
  expect(JSON.parse(refused.slice(2))).toMatchObject({ message: BANNED.message });
});

test("a ban ends by itself, without a write", async () => {
  const { bob } = await directPair();
  const expiresAt = new Date(Date.now() + 1_500).toISOString();
  await ban(bob, { expiresAt, reason: "spam" });
  expect((await bob.get("/api/v1/chat/conversations")).body.code).toBe("banned");
  await expect
    .poll(async () => (await bob.get("/api/v1/chat/conversations")).status, { timeout: 5_000 })
    .toBe(200);
});

test.each([
  { expiresAt: "2020-01-01T00:00:00Z" },
  { expiresAt: "tomorrow" },
  { reason: "x".repeat(501) },
])("an order that makes no sense is refused: %o", async (body) => {
  const { bob } = await directPair();
  const answer = await admin.put(banPath(bob), body);
  expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
  expect(answer.body.details[0].path).toBe(Object.keys(body)[0]);
});

test("the list of bans: those that hold, the newest first, page by page", async () => {
  const people = await Promise.all([1, 2, 3, 4].map(() => person("carl", { name: "Carl" })));
  for (const one of people) await ban(one, { reason: `for ${one.userId}` });
  const [first, second, third, fourth] = people;
  if (!first || !second || !third || !fourth) throw new Error("four people");
  await unban(second);
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  await ban(first, { expiresAt });
  const listed = async (query: string) => (await admin.get(`/api/admin/bans?${query}`)).body;
  const page = await listed("limit=2");
  expect(page.items.map(({ userId }: { userId: string }) => userId)).toEqual([
    first.userId,
    fourth.userId,
  ]);
  expect(page.items[0]).toEqual({
    ...{ userId: first.userId, name: "Carl", bannedBy: admin.userId },
    ...{ bannedAt: expect.any(String), expiresAt, reason: null },
  });
  const rest = await listed(`limit=1&cursor=${page.next}`);
  expect(rest.items.map(({ reason }: { reason: string }) => reason)).toEqual([
    `for ${third.userId}`,
  ]);
});

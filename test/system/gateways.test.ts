import { HubConnectionState } from "@microsoft/signalr";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { Live, Rest } from "./client.ts";
import { startProduction } from "./production.ts";
import { type Known, known, OverSignalR, OverSocketIo } from "./public-clients.ts";
import { cleanUp, freePort, type Server, temporaryFolder } from "./server.ts";
import { signedFor } from "./token.ts";

/** The public clients of both protocols against a real server: order, and reconnects. */

let folder: string;
let port: number;
let server: Server;
const start = () => startProduction(folder, "--port", String(port));

beforeAll(async () => {
  [folder, port] = await Promise.all([temporaryFolder(), freePort()]);
  server = await start();
});
afterAll(cleanUp);

const person = (name: string) => known(server.address, name);
const people = <Names extends string[]>(...names: Names) =>
  Promise.all(names.map(person)) as Promise<{ [Name in keyof Names]: Known }>;

async function overSocketIo({ token }: { token: string }, id: string, transports?: string[]) {
  const one = await OverSocketIo.in(server.address, () => token, [id], transports);
  onTestFinished(() => one.close());
  return one;
}

async function overSignalR({ token }: { token: string }, id: string) {
  const one = await OverSignalR.in(server.address, () => token, [id]);
  onTestFinished(() => one.close());
  return one;
}

test("two clients of each protocol and a native socket receive one order; a kill of the server loses and duplicates nothing", async () => {
  const [anna, ben, cora, dora, emil] = await people("anna", "ben", "cora", "dora", "emil");
  const others = [ben, cora, dora, emil].map(({ userId }) => userId);
  const id = await anna.rest.group("All", others);
  const live = await Live.open(server.address, id, emil);
  const [a, b, c, d] = await Promise.all([
    overSocketIo(anna, id),
    overSocketIo(ben, id, ["websocket"]),
    overSignalR(cora, id),
    overSignalR(dora, id),
  ]);
  const ears = [a, b, c, d];
  const everybody = (texts: number) =>
    Promise.all(ears.map((ear) => ear.until(() => ear.ids.length >= texts)));
  const said: Promise<unknown>[] = [];
  for (let i = 0; i < 10; i++) {
    said.push(a.socket.emitWithAck("send-message", { chatId: id, content: `a${i}` }));
    said.push(b.socket.emitWithAck("send-message", { chatId: id, content: `b${i}` }));
    said.push(c.hub.invoke("SendMessage", id, `c${i}`), d.hub.invoke("SendMessage", id, `d${i}`));
    live.send(`e${i}`, `e${i}`);
  }
  await Promise.all(said);
  await everybody(50);
  await live.until(() => live.heard().length === 50);
  const order = live.heard().map((message) => message.id);
  for (const ear of ears) expect(ear.ids).toEqual(order);
  expect(a.socket.io.engine.transport.name).toBe("websocket");

  live.close();
  await server.program.kill();
  server = await start();
  // Sent while some clients may not have reconnected yet.
  await new Rest(server.address, emil).send(id, "after the kill", "after");
  await Promise.all(ears.map((ear) => ear.until(() => ear.texts.includes("after the kill"))));
  await everybody(51);
  const history = await new Rest(server.address, emil).history(id);
  const written = history.filter(({ senderId }) => senderId !== null);
  for (const ear of ears) expect(ear.ids).toEqual(written.map(({ messageId }) => messageId));
  expect(c.hub.state).toBe(HubConnectionState.Connected);
});

test("a client that only polls works; an invalid token is a connect_error; a stranger is refused", async () => {
  const [anna, ben, stranger, carl] = await people("anna", "ben", "eve", "carl");
  const id = await anna.rest.group("Three", [ben.userId, carl.userId]);
  const a = await overSocketIo(anna, id, ["polling"]);
  await ben.rest.send(id, "by polling", "one");
  await a.until(() => a.texts.includes("by polling"));
  const nobody = { token: "nonsense" };
  await expect(overSocketIo(nobody, id)).rejects.toThrow("Send a valid, unexpired bearer token.");
  await expect(overSignalR(nobody, id)).rejects.toThrow("401");
  await expect(overSocketIo(stranger, id)).rejects.toThrow("Only members");
  await expect(overSignalR(stranger, id)).rejects.toThrow("Only members");
});

test("20 rooms on one connection of each protocol", async () => {
  const [anna, ben, carl] = await people("anna", "ben", "carl");
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, i) => anna.rest.group(`${i}`, [ben.userId, carl.userId])),
  );
  const ears = [
    await OverSocketIo.in(server.address, () => ben.token, ids),
    await OverSignalR.in(server.address, () => carl.token, ids),
  ];
  for (const ear of ears) onTestFinished(() => ear.close());
  const sent = await Promise.all(ids.map((id) => anna.rest.send(id, `in ${id}`, "first")));
  const messages = new Set(sent.map(({ messageId }) => messageId));
  for (const ear of ears) {
    await ear.until(() => ear.ids.length >= 20);
    expect(new Set(ear.ids)).toEqual(messages);
    expect(ear.ids).toHaveLength(20);
  }
});

test("a removed member receives the removal, and nothing else until they are added again", async () => {
  const [anna, ben, carl, dora] = await people("anna", "ben", "carl", "dora");
  const id = await anna.rest.group(
    "Four",
    [ben, carl, dora].map(({ userId }) => userId),
  );
  const stays = await overSocketIo(ben, id);
  const gone = [await overSocketIo(carl, id), await overSignalR(dora, id)];
  for (const { userId } of [carl, dora]) await anna.rest.remove(id, userId);
  await anna.rest.send(id, "among ourselves", "secret");
  await stays.until(() => stays.texts.includes("among ourselves"));
  for (const [i, { userId }] of [carl, dora].entries()) {
    await gone[i]?.until(() => gone[i]?.removed.includes(userId) ?? false);
    await expect(gone[i]?.join(id)).rejects.toThrow("Only members");
    await anna.rest.add(id, userId);
    await gone[i]?.join(id);
  }
  await anna.rest.send(id, "welcome back", "back");
  for (const ear of gone) {
    await ear.until(() => ear.texts.includes("welcome back"));
    expect(ear.texts).not.toContain("among ourselves");
  }
});

test("after their token expires, all clients reconnect with a new one, and miss nothing", async () => {
  const [anna, ben, carl] = await people("anna", "ben", "carl");
  const id = await anna.rest.group("Long", [ben.userId, carl.userId]);
  const [bens, carls] = await Promise.all(
    [ben, carl].map(({ userId }) => signedFor(userId, EXPIRES_WITHIN_MS / 1_000)),
  );
  const began = Date.now();
  const expired = () => Date.now() > EXPIRES_WITHIN_MS + began;
  const bensToken = () => (expired() ? ben.token : (bens ?? ""));
  const carlsToken = () => (expired() ? carl.token : (carls ?? ""));
  const polls = await OverSocketIo.in(server.address, bensToken, [id], ["polling"]);
  const io = await OverSocketIo.in(server.address, bensToken, [id]);
  const hub = await OverSignalR.in(server.address, carlsToken, [id]);
  const ears = [polls, io, hub];
  for (const ear of ears) onTestFinished(() => ear.close());
  await anna.rest.send(id, "before", "before");
  await Promise.all(ears.map((ear) => ear.until(() => ear.texts.length === 1)));
  await vi.waitFor(() => expect(expired()).toBe(true), 2 * EXPIRES_WITHIN_MS);
  for (const text of ["behind", "beyond"]) await anna.rest.send(id, text, text);
  for (const ear of ears) {
    await ear.until(() => ear.texts.length >= 3);
    expect(ear.texts).toEqual(["before", "behind", "beyond"]);
    expect(ear.connects).toBe(2);
  }
  for (const { ends } of [polls, io]) expect(ends).toEqual(["io server disconnect"]);
});

test("a SignalR client that only sends is not disconnected in a quiet conversation", async () => {
  const [anna, ben, carl] = await people("anna", "ben", "carl");
  const id = await anna.rest.group("Quiet", [ben.userId, carl.userId]);
  const { hub } = await overSignalR(anna, id);
  const closed = vi.fn();
  hub.onreconnecting(closed);
  hub.keepAliveIntervalInMilliseconds = 100;
  hub.serverTimeoutInMilliseconds = 600;
  // The answer restarts the client's timers.
  await hub.invoke("StopTyping", id);
  await hub.send("StartTyping", id);
  // Longer than its server timeout.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(closed).not.toHaveBeenCalled();
});

test.each([["polling"], ["websocket"]])(
  "binary data in an event is refused with an error, and the connection stays open: %s",
  async (transport) => {
    const [anna, ben, carl] = await people("anna", "ben", "carl");
    const id = await anna.rest.group("Bytes", [ben.userId, carl.userId]);
    const a = await overSocketIo(anna, id, [transport]);
    const file = Buffer.from("a file");
    for (const bytes of [file, new Uint8Array(file), new Uint8Array(file).buffer]) {
      const message = { chatId: id, content: "x", metadata: { deep: [{ bytes }] } };
      const answer = await a.socket.emitWithAck("send-message", message);
      expect(answer).toMatchObject({ success: false, code: "invalid_request" });
    }
    const said = { chatId: id, content: "words", metadata: { plain: true } };
    expect(await a.socket.emitWithAck("send-message", said)).toMatchObject({ success: true });
    await a.until(() => a.texts.includes("words"));
    expect(a.texts).not.toContain("x");
    expect({ connects: a.connects, ends: a.ends }).toEqual({ connects: 1, ends: [] });
  },
);

test("a client far over the limits is disconnected, reconnects by itself, and misses nothing", async () => {
  const [anna, ben, carl] = await people("anna", "ben", "carl");
  const id = await anna.rest.group("Loud", [ben.userId, carl.userId]);
  const [io, hub] = [await overSocketIo(anna, id), await overSignalR(ben, id)];
  await vi.waitFor(() => expect(io.socket.io.engine.transport.name).toBe("websocket"));
  for (let i = 0; i < 400; i++) {
    io.socket.emit("typing-start", id);
    void hub.hub.send("StartTyping", id).catch(() => undefined);
  }
  await Promise.all([io, hub].map((ear) => ear.until(() => ear.connects === 2)));
  expect(io.ends).toEqual(["transport close"]);
  await carl.rest.send(id, "quiet again", "quiet");
  await Promise.all([io, hub].map((ear) => ear.until(() => ear.texts.includes("quiet again"))));
});

/** The lifetime of short-lived tokens. */
const EXPIRES_WITHIN_MS = 4_000;

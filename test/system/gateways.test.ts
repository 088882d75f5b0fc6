import { HubConnectionBuilder, HubConnectionState, LogLevel } from "@microsoft/signalr";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Live, type Person, Rest } from "./client.ts";
import {
  cleanUp,
  freePort,
  type Server,
  startCommand,
  temporaryFolder,
  tokenFor,
  up,
} from "./server.ts";

/** The public clients of both protocols, as npm gives them, against a real server. */

let folder: string;
let port: number;
let server: Server;
const start = () => up(startCommand("--port", String(port), "--persist-to", folder));

beforeAll(async () => {
  [folder, port] = await Promise.all([temporaryFolder(), freePort()]);
  server = await start();
});
afterAll(cleanUp);

/** Somebody whom the server knows. */
async function personOf(name: string): Promise<Person & { rest: Rest }> {
  const userId = `${name}-${crypto.randomUUID().slice(0, 8)}`;
  const person = { userId, token: await tokenFor(userId) };
  const rest = new Rest(server.address, person);
  await rest.conversations();
  return { ...person, rest };
}

/** Messages by id, as they came; and whoever waits for them. */
class Ear {
  readonly ids: string[] = [];
  readonly texts: string[] = [];
  /** Where to go on after a reconnect. */
  rev = 0;
  private waiting: (() => void)[] = [];

  hear(id: string, text: string, rev: number): void {
    this.ids.push(id);
    this.texts.push(text);
    this.rev = rev;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

const clients: { close: () => void }[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

async function overSocketIo(
  { token }: Person,
  chatId: string,
  transports?: string[],
): Promise<Ear & { socket: Socket }> {
  const socket = io(server.address, {
    auth: { token },
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
    ...(transports && { transports }),
  });
  clients.push({ close: () => socket.disconnect() });
  const ear = Object.assign(new Ear(), { socket });
  socket.on("new-message", ({ message, rev }) => ear.hear(message._id, message.content, rev));
  let joined = false;
  await new Promise<void>((resolve, reject) => {
    socket.on("connect", async () => {
      // The first time from now on, afterwards from where it was.
      const cursor = joined ? [{ since: ear.rev }] : [];
      const answer = await socket.emitWithAck("join-chat-room", chatId, ...cursor);
      if (!answer.success) {
        reject(new Error(answer.error));
        return;
      }
      if (!joined) ear.rev = answer.data.rev;
      joined = true;
      resolve();
    });
    socket.on("connect_error", (error) => !joined && reject(error));
  });
  return ear;
}

async function overSignalR({ token }: Person, conversationId: string) {
  const hub = new HubConnectionBuilder()
    .withUrl(`${server.address}/hubs/chat`, { accessTokenFactory: () => token })
    .withAutomaticReconnect(Array.from({ length: 600 }, () => 100))
    .configureLogging(LogLevel.None)
    .build();
  clients.push({ close: () => void hub.stop() });
  const ear = Object.assign(new Ear(), { hub });
  hub.on("ReceiveMessage", ({ messageId, content, rev }) => ear.hear(messageId, content, rev));
  hub.onreconnected(() => hub.invoke("JoinConversation", conversationId, ear.rev));
  await hub.start();
  ear.rev = (await hub.invoke("JoinConversation", conversationId)).rev;
  return ear;
}

test("two people over each, and a native socket: one order; nothing lost or doubled by a kill", async () => {
  const people = await Promise.all(["anna", "ben", "cora", "dora", "emil"].map(personOf));
  const [anna, ben, cora, dora, emil] = people as [Me, Me, Me, Me, Me];
  const id = await anna.rest.group(
    "All",
    people.slice(1).map(({ userId }) => userId),
  );
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
  // Said while nobody who was cut off can be known to have come back.
  await new Rest(server.address, emil).send(id, "after the kill", "after");
  await Promise.all(ears.map((ear) => ear.until(() => ear.texts.includes("after the kill"))));
  await everybody(51);
  const history = await new Rest(server.address, emil).history(id);
  const written = history.filter(({ senderId }) => senderId !== null);
  for (const ear of ears) expect(ear.ids).toEqual(written.map(({ messageId }) => messageId));
  expect(c.hub.state).toBe(HubConnectionState.Connected);
});

test("a client that only polls talks too; a bad token is a connect_error; a stranger stays out", async () => {
  const [anna, ben, stranger] = (await Promise.all(["anna", "ben", "eve"].map(personOf))) as [
    Me,
    Me,
    Me,
  ];
  const id = await anna.rest.group("Three", [ben.userId, (await personOf("carl")).userId]);
  const a = await overSocketIo(anna, id, ["polling"]);
  await ben.rest.send(id, "by polling", "one");
  await a.until(() => a.texts.includes("by polling"));
  const nobody = { ...stranger, token: "nonsense" };
  await expect(overSocketIo(nobody, id)).rejects.toThrow("Send a valid, unexpired bearer token.");
  await expect(overSignalR(nobody, id)).rejects.toThrow("401");
  await expect(overSocketIo(stranger, id)).rejects.toThrow("Only members");
  await expect(overSignalR(stranger, id)).rejects.toThrow("Only members");
});

test.each(["polling", "websocket"])(
  "%s: a Socket.IO client learns that its token has expired",
  async (transport) => {
    const anna = await personOf("anna");
    const token = await tokenFor(anna.userId, "--hours", String(3 / 3_600));
    const socket = io(server.address, { auth: { token }, forceNew: true, transports: [transport] });
    clients.push({ close: () => socket.disconnect() });
    await new Promise<void>((resolve) => socket.on("connect", resolve));
    const reason = await new Promise((resolve) => {
      socket.on("disconnect", resolve);
      // Whatever is said finds out; otherwise the next poll or heartbeat does.
      setTimeout(() => socket.emit("typing-stop", crypto.randomUUID()), 3_500);
    });
    expect(reason).toBe("io server disconnect");
  },
);

test("a SignalR client that asks for no answers is not cut off in a quiet conversation", async () => {
  const [anna, ben] = (await Promise.all(["anna", "ben"].map(personOf))) as [Me, Me];
  const id = await anna.rest.group("Quiet", [ben.userId, (await personOf("carl")).userId]);
  const { hub } = await overSignalR(anna, id);
  const closed = vi.fn();
  hub.onreconnecting(closed);
  hub.keepAliveIntervalInMilliseconds = 100;
  hub.serverTimeoutInMilliseconds = 600;
  // The answer starts its clocks anew.
  await hub.invoke("StopTyping", id);
  await hub.send("StartTyping", id);
  // Longer than it waits for a word of the server's.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(closed).not.toHaveBeenCalled();
});

type Me = Awaited<ReturnType<typeof personOf>>;

import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ServerEvent } from "../../src/live/events.ts";
import { Replica, replicaOf } from "../live/replica.ts";
import { Random } from "../random.ts";
import {
  type Caller,
  evict,
  groupOf,
  objectOf,
  open,
  openLive,
  person,
  type Socket,
} from "../support.ts";
import { inboxOf } from "./replica.ts";
import { loseNextCall, type OpenRoom, openRooms, type RoomsSocket } from "./room-client.ts";

/** Set this to the seed of a failure to repeat it. */
const PINNED: number | undefined = undefined;
const SEED = PINNED ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
const STEPS = 400;

/** A person's conversation over their inbox, which is opened again whenever it is closed. */
class Wrapped {
  readonly caller: Caller;
  readonly replica = new Replica();
  /** What is not answered yet, by id; sent again under the same key. */
  readonly unanswered = new Map<number, object>();
  readonly answered = new Map<number, ServerEvent>();
  openings = 0;
  private readonly conversationId: string;
  private room: OpenRoom | undefined;
  private socket: RoomsSocket | undefined;
  private taken = 0;
  private rev = 0;

  constructor(caller: Caller, conversationId: string) {
    this.caller = caller;
    this.conversationId = conversationId;
  }

  async connect(): Promise<void> {
    this.socket = await openRooms(this.caller, "?features=none");
    await this.reopen();
  }

  /** Leaves without saying so. */
  disconnect(): void {
    this.take();
    this.socket?.close();
    this.room = undefined;
    this.socket = undefined;
  }

  async reopen(): Promise<void> {
    this.take();
    this.openings++;
    const { rev: since, epoch } = this.replica;
    this.room = await this.socket?.open(this.conversationId, since > 0 ? { since, epoch } : {});
    this.taken = 0;
    this.rev = since;
    for (const frame of this.unanswered.values()) this.room?.send(frame);
  }

  send(id: number, frame: object): void {
    this.unanswered.set(id, { ...frame, id });
    this.room?.send({ ...frame, id });
  }

  /** Applies what came, and opens the conversation again if it was closed. */
  async follow(): Promise<void> {
    if (!this.socket) await this.connect();
    this.take();
    if (this.room?.end) await this.reopen();
  }

  private take(): void {
    const { room } = this;
    if (!room) return;
    const events = room.events.slice(this.taken);
    this.taken = room.events.length;
    for (const event of events) this.apply(event);
  }

  private apply(event: ServerEvent): void {
    if ("id" in event && typeof event.id === "number") {
      const ackedRev = event.type === "ack" ? event.rev : 0;
      expect(this.rev, "an ack before its event").toBeGreaterThanOrEqual(ackedRev);
      this.unanswered.delete(event.id);
      this.answered.set(event.id, event);
    }
    if (event.type === "sync" && event.to !== undefined && event.id === undefined) {
      if (!event.reset && event.from !== 0) expect(event.from).toBe(this.rev);
      this.rev = Math.max(this.rev, event.to);
    } else if (event.type !== "hello" && event.type !== "ack" && "rev" in event) {
      expect(event.rev, "once and in order").toBeGreaterThan(this.rev);
      this.rev = event.rev;
    }
    replicaOf([event], this.replica);
  }
}

test(`after ${STEPS} random steps, wrapped clients have what a native one has (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const dice = new Random(SEED);
  const callers = [await person("alice"), await person("bob"), await person("carol")];
  const conversationId = await groupOf(...callers);
  const [alice] = callers;
  if (!alice) throw new Error("unreachable");
  const clients = [...callers, alice].map((caller) => new Wrapped(caller, conversationId));
  for (const client of clients) await client.connect();
  const messageIds: string[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const client = dice.pick(clients);
    await client.follow();
    client.send(step, frameFor(dice, step, messageIds));
    if (dice.chance(0.05)) await disturb(dice, client, conversationId);
    if (!dice.chance(0.2)) continue;
    await vi.waitFor(async () => {
      await client.follow();
      expect(client.unanswered.size).toBe(0);
    });
    messageIds.splice(0, messageIds.length, ...client.replica.messages.keys());
  }
  for (const client of clients) {
    await vi.waitFor(
      async () => {
        await client.follow();
        expect([...client.unanswered.values()]).toEqual([]);
      },
      { timeout: 15_000 },
    );
  }
  const watching = await open(alice, conversationId, "?since=0");
  const whole = await wholeOf(watching);
  for (const client of clients) {
    await vi.waitFor(
      async () => {
        await client.follow();
        expect(client.replica.state).toEqual(whole.state);
      },
      { timeout: 15_000 },
    );
  }
  expect(whole.messages.size).toBeGreaterThan(20);
});

test(`over ${STEPS} random steps, a wrapped client is sent what a native one is, to the byte (seed ${SEED})`, {
  timeout: 120_000,
}, async () => {
  const dice = new Random(SEED);
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  const conversationId = await groupOf(alice, bob, carol);
  const native = await openLive(alice, conversationId, "?features=reactions");
  const wrapped = await (await openRooms(alice, "?features=reactions")).open(conversationId);
  const senders = [
    await openLive(bob, conversationId),
    await (await openRooms(carol)).open(conversationId),
  ];
  const phone = await openLive(alice, conversationId);
  const messageIds: string[] = [];
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
  for (let step = 1; step <= STEPS; step++) {
    const sender = dice.chance(0.1) ? phone : dice.pick(senders);
    sender.send({ ...frameFor(dice, step, messageIds), id: step });
    if (dice.chance(0.1)) sender.send({ op: "typing", active: dice.chance(0.5) });
    // At most so many sockets are open at a time.
    if (dice.chance(0.02)) (await openLive(bob, conversationId)).close();
    if (!dice.chance(0.2)) continue;
    await Promise.all([...senders, phone].map((one) => settled(one, step)));
    // However fast the machine is, no socket sends more commands than it may in a second.
    vi.setSystemTime(Date.now() + 500);
    messageIds.splice(0, messageIds.length, ...new Set(messagesOf(phone)));
  }
  const linesOf = () => native.frames.flatMap((frame) => frame.split("\n")).slice(2);
  await Promise.all([...senders, phone].map((one) => settled(one, STEPS + 1)));
  await vi.waitFor(() => expect(wrapped.lines.slice(2)).toEqual(linesOf()));
  expect(wrapped.all("reaction").length).toBeGreaterThan(0);
  expect(wrapped.all("typing").length).toBeGreaterThan(0);
});

/** Waits for the answers to everything that was sent before. */
async function settled(socket: Socket | OpenRoom, step: number): Promise<void> {
  const id = `settled ${step}`;
  socket.send({ op: "send", id, content: "" });
  await socket.next("error", (event) => event.id === id);
}

function messagesOf(socket: Socket): string[] {
  return socket.all("message").map(({ message }) => message.id);
}

function frameFor(dice: Random, step: number, messageIds: readonly string[]): object {
  const messageId = messageIds.length > 0 ? dice.pick(messageIds) : "none";
  return dice.pick([
    { op: "send", content: `message ${step}`, clientMessageId: `key ${step}`.replace(" ", "-") },
    { op: "send", content: `another ${step}`, clientMessageId: `key-${step}` },
    { op: "edit", messageId, content: `edited ${step}` },
    { op: "react", messageId, emoji: dice.pick(["👍", "❤️"]) },
    { op: "unreact", messageId, emoji: "👍" },
    { op: "read", upTo: messageId },
    { op: "read" },
    ...(dice.chance(0.2) ? [{ op: "delete", messageId }] : []),
    { op: "history", limit: 5 },
  ]);
}

/** Ends an object, loses a delivery, or disconnects the client. */
async function disturb(dice: Random, client: Wrapped, conversationId: string): Promise<void> {
  switch (dice.below(6)) {
    case 0:
      await evict(conversationId);
      break;
    case 1:
      await runInDurableObject(inboxOf(client.caller), () => undefined);
      await evictDurableObject(inboxOf(client.caller));
      break;
    case 2:
      await loseNextCall(conversationId);
      break;
    case 3:
      await client.reopen();
      break;
    case 4:
      await runInDurableObject(objectOf(conversationId), (_, context) =>
        context.abort("restart"),
      ).catch(() => undefined);
      break;
    default:
      client.disconnect();
      await client.connect();
  }
}

async function wholeOf(socket: Socket): Promise<Replica> {
  const replica = new Replica();
  for (;;) {
    const page = await socket.next("sync");
    replica.apply(page);
    if (!page.more) return replica;
    socket.send({ op: "sync", since: page.to });
  }
}

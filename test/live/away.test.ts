import { expect, test, vi } from "vitest";
import { Replica } from "../../src/client/replica.ts";
import type { ServerEvent } from "../../src/live/events.ts";
import { type Caller, groupOf, open, openLive, person, type Socket } from "../support.ts";
import { writeLongHistory } from "./long-history.ts";

/** Resuming after 50,000 changes, while others keep sending and the socket is repeatedly cut. */

const ABSENCE = { messages: 40_000, changes: 8_000, reads: 1_990 };
/** Some twenty pages of it. */
const SHORTER = { messages: 8_000, changes: 1_600, reads: 398 };

interface Absence {
  conversationId: string;
  away: Caller;
  /** The state of the absent client: what a first visit sends. */
  replica: Replica;
  talk: () => Promise<void>;
  /** The newest revision that was acknowledged to the senders. */
  rev: () => number;
}

async function absence(counts: typeof ABSENCE): Promise<Absence> {
  const people = await Promise.all(["away", "anna", "ben", "cora"].map((name) => person(name)));
  const [away, anna, ben, cora] = people as [Caller, Caller, Caller, Caller];
  const conversationId = await groupOf(...people);
  const replica = new Replica();
  const leaving = await openLive(away, conversationId);
  for (const event of leaving.events) take(replica, event);
  leaving.close();
  await writeLongHistory(
    conversationId,
    [anna, ben, cora].map(({ userId }) => userId),
    counts,
  );
  const sockets = await Promise.all([anna, ben, cora].map((one) => openLive(one, conversationId)));
  let round = 0;
  let rev = 0;
  const talk = async () => {
    const [socket, other] = [sockets[round % 3], sockets[(round + 1) % 3]] as [Socket, Socket];
    round++;
    // A hundred messages a minute per sender are allowed, so the clock is advanced.
    vi.setSystemTime(Date.now() + 1_000);
    const { messageId } = await acked(socket, { op: "send", content: `meanwhile ${round}` });
    const mine = number(messageId) - counts.messages;
    // What has been given, what is about to be, and what has just been said.
    await acked(other, { op: "react", messageId: at(messageId, mine * 97), emoji: "👍" });
    if (round % 2 === 0) await acked(socket, { op: "edit", messageId, content: "edited" });
    if (round % 3 === 0) await acked(socket, { op: "delete", messageId });
    rev = (await acked(other, { op: "read", messageIds: [messageId] })).rev;
  };
  return { conversationId, away, replica, talk, rev: () => rev };
}

async function acked(socket: Socket, frame: object): Promise<{ rev: number; messageId: string }> {
  const id = crypto.randomUUID();
  socket.send({ ...frame, id });
  const answers = () =>
    socket.events.filter((event) => event.type === "ack" || event.type === "error");
  await socket.until(() => answers().some((event) => event.id === id));
  const answer = answers().find((event) => event.id === id);
  if (answer?.type !== "ack") throw new Error(JSON.stringify(answer));
  return { rev: answer.rev, messageId: answer.messageId ?? "" };
}

const number = (messageId: string) => Number.parseInt(messageId.slice(-10), 16);
const at = (messageId: string, n: number) =>
  messageId.slice(0, -10) + (n - (n % 5 === 0 ? 1 : 0)).toString(16).padStart(10, "0");

/** Applies an event as the client does; returns how many of its rows were new. */
function take(replica: Replica, event: ServerEvent): number {
  switch (event.type) {
    case "hello":
      replica.greet(event);
      return 0;
    case "sync": {
      const { messages, members, reads } = replica.sync(event);
      return messages.length + members.length + reads.length;
    }
    case "message":
    case "member":
    case "read":
    case "conversation":
      return replica.apply(event) ? 1 : 0;
    default:
      return 0;
  }
}

async function resumed(caller: Caller, conversationId: string, replica: Replica): Promise<Socket> {
  const { rev, epoch } = replica;
  return open(caller, conversationId, rev === undefined ? "" : `?since=${rev}&epoch=${epoch}`);
}

/** The same conversation, read from its first revision without interruption. */
async function whole({ away, conversationId }: Absence): Promise<Replica> {
  const replica = new Replica();
  replica.rev = 0;
  const socket = await open(away, conversationId, "?since=0");
  for (;;) {
    const page = await socket.next("sync");
    take(replica, page);
    if (!page.more) break;
    vi.setSystemTime(Date.now() + 1_000);
    socket.send({ op: "sync", since: page.to });
  }
  socket.close();
  return replica;
}

function expectTheSame(replica: Replica, other: Replica): void {
  expect(replica.rev).toBe(other.rev);
  expect(replica.timeline.messages.map((message) => message.number)).toEqual(
    Array.from({ length: other.timeline.messages.length }, (_, i) => i + 1),
  );
  expect(replica.timeline.messages).toEqual(other.timeline.messages);
  expect([...replica.reads.values()]).toEqual([...other.reads.values()]);
  expect([...replica.members].sort()).toEqual([...other.members].sort());
}

test("the socket is cut after every page and, once it is live, after every event", async () => {
  const scene = await absence(ABSENCE);
  const { replica, away, conversationId, talk } = scene;
  let pages = 0;
  let rows = 0;
  for (let more = true; more; pages++) {
    const socket = await resumed(away, conversationId, replica);
    const page = await socket.next("sync");
    expect(page.from).toBe(replica.rev);
    rows += take(replica, page);
    more = page.more;
    if (pages % 4 === 0) await talk();
    socket.close();
  }
  expect(pages).toBeGreaterThan(80);
  // Every row once, and again those that changed after they were delivered.
  expect(rows).toBeGreaterThan(ABSENCE.messages + ABSENCE.reads);

  for (let cuts = 0; cuts < 60; cuts++) {
    const socket = await resumed(away, conversationId, replica);
    // Sent between the page and the next event, or before the page: in both cases each change is
    // delivered once.
    const talking = talk();
    const page = await socket.next("sync");
    take(replica, page);
    if (page.more) continue;
    await talking;
    const since = replica.rev ?? 0;
    await socket.until(
      () =>
        socket.events.some((e) => "rev" in e && e.type !== "hello" && e.rev > since) ||
        since >= scene.rev(),
    );
    // The client applies only the first few events, in order; then the socket is closed.
    const come = socket.events.slice(socket.events.indexOf(page) + 1);
    for (const event of come.slice(0, 1 + (cuts % 5))) {
      if ("rev" in event && event.type !== "ack") expect(event.rev).toBe((replica.rev ?? 0) + 1);
      expect(take(replica, event)).toBe(1);
    }
    socket.close();
  }
  const last = await resumed(away, conversationId, replica);
  take(replica, await last.next("sync"));
  expect(replica.rev).toBe(scene.rev());
  expectTheSame(replica, await whole(scene));
}, 120_000);

test("one socket asks on page by page while others talk between the pages", async () => {
  const scene = await absence(SHORTER);
  const { replica, away, conversationId, talk } = scene;
  const socket = await resumed(away, conversationId, replica);
  let live = 0;
  let pages = 0;
  for (;;) {
    const page = await socket.next("sync");
    take(replica, page);
    pages++;
    live = socket.events.indexOf(page) + 1;
    if (!page.more) break;
    // Only pages arrive before the last page.
    expect(socket.events.filter(({ type }) => type !== "hello" && type !== "sync")).toEqual([]);
    await talk();
    socket.send({ op: "sync", since: page.to });
    if (page.to !== undefined && page.to % 7 === 0) await talk();
  }
  expect(pages).toBeGreaterThan(15);
  for (let i = 0; i < 5; i++) await talk();
  await socket.until(() =>
    socket.events.some((event) => "rev" in event && event.rev === scene.rev()),
  );
  for (const event of socket.events.slice(live)) {
    if ("rev" in event) expect(event.rev).toBe((replica.rev ?? 0) + 1);
    take(replica, event);
  }
  expectTheSame(replica, await whole(scene));
}, 120_000);

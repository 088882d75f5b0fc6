import { conversationIdOf } from "../../src/domain/id.ts";
import type { InboxEntry, InboxRow } from "../../src/live/inbox-events.ts";
import { client, type FakeSocket } from "./fake-server.ts";

/** What a server sends over an inbox socket, for tests that send it. */

export function idOf(number: number): string {
  return conversationIdOf(new Uint8Array(11).fill(number));
}

/** The row of conversation `number`, whose newest message is of second `number` unless given. */
export function row(number: number, rev: number, more: Partial<InboxEntry> = {}): InboxEntry {
  const conversationId = idOf(number);
  const createdAt = "2026-01-01T00:00:00.000Z";
  return {
    ...{ conversationId, epoch: "e1", rev, kind: "group", title: `T${number}`, createdAt },
    ...{
      members: ["me", "you"],
      memberCount: 2,
      lastNumber: rev,
      unread: 0,
      mentions: 0,
      archived: false,
    },
    lastMessage: lastMessage(number, number),
    ...more,
  };
}

export function lastMessage(number: number, second: number): InboxEntry["lastMessage"] {
  const createdAt = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return {
    ...{ id: `m${number}`, number: 1, senderId: "you", kind: "text", content: `at ${second}` },
    ...{ createdAt, attachments: 0 },
  };
}

export function removal(number: number, rev: number): InboxRow {
  return { conversationId: idOf(number), epoch: "e1", rev, removed: true };
}

export function inboxHello(unread?: number) {
  return {
    ...{ type: "hello", protocol: "parley.v1", you: { userId: "me" } },
    ...{ limits: { sockets: 10, frameBytes: 65_536 }, reconnectAfterMs: 1_000 },
    ...(unread !== undefined && { unread }),
  };
}

/** A page of the list; `next`: there are more. */
export function page(rows: readonly InboxRow[], next?: string) {
  return { type: "inbox", rows, more: next !== undefined, ...(next !== undefined && { next }) };
}

/** Rows that have changed just now. */
export function changed(...rows: InboxRow[]) {
  return { type: "inbox", rows };
}

/** An inbox with fake sockets, connected. */
export function inboxOf(token?: () => string | Promise<string>) {
  const { parley, sockets, socket } = client(token);
  const inbox = parley.inbox().connect();
  /** Answers as a server does whose list has one page. */
  const greeted = async (index = 0, ...rows: InboxRow[]): Promise<FakeSocket> => {
    const found = await socket(index);
    found.say(inboxHello(), page(rows));
    return found;
  };
  const shown = () => inbox.rows.map(({ title, rev }) => `${title} ${rev}`);
  return { parley, inbox, sockets, socket, greeted, shown };
}

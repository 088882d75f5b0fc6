import { env, exports } from "cloudflare:workers";
import { expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { replaces } from "../../src/domain/inbox.ts";
import {
  type InboxEntry,
  type InboxRow,
  inboxEvent,
  inboxHelloEvent,
  inboxSettingsEvent,
  type LevelEvent,
  levelEvent,
  totalEvent,
  unwatchedEvent,
  userPresenceEvent,
} from "../../src/live/inbox-events.ts";
import { PROTOCOL } from "../../src/live/version.ts";
import { type Caller, ORIGIN } from "../support.ts";

const otherEvent = z.looseObject({ type: z.enum(["ack", "error"]), id: z.unknown().optional() });
const event = z.union([
  inboxHelloEvent,
  inboxEvent,
  inboxSettingsEvent,
  levelEvent,
  totalEvent,
  userPresenceEvent,
  unwatchedEvent,
  otherEvent,
]);
type Event = z.infer<typeof event>;

/** The inbox object of a person, for access to its internals. */
export function inboxOf(person: Caller) {
  return env.INBOXES.getByName(person.userId);
}

/** A client of an inbox: applies what it receives as docs/protocol.md says. */
export class InboxReplica {
  readonly events: Event[] = [];
  readonly rows = new Map<string, InboxRow>();
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly socket: WebSocket;
  private readonly waiting: (() => void)[] = [];
  private isListed = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.addEventListener("message", ({ data }) => {
      for (const line of String(data).split("\n")) this.take(event.parse(JSON.parse(line)));
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        resolve({ code, reason });
        this.wake();
      });
    });
  }

  /** The conversations that the client shows, newest first. */
  get entries(): InboxEntry[] {
    return [...this.rows.values()]
      .flatMap((row) => ("removed" in row ? [] : [row]))
      .sort(
        (a, b) =>
          (b.lastMessage?.createdAt ?? "").localeCompare(a.lastMessage?.createdAt ?? "") ||
          b.createdAt.localeCompare(a.createdAt) ||
          a.conversationId.localeCompare(b.conversationId),
      );
  }

  entry(conversationId: string): InboxEntry | undefined {
    return this.entries.find((entry) => entry.conversationId === conversationId);
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.socket.close(1_000);
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Waits for the last page of the list. */
  listed(): Promise<void> {
    return this.until(() => this.isListed);
  }

  private take(event: Event): void {
    this.events.push(event);
    if (event.type === "level") this.setLevel(event);
    if (event.type !== "inbox") return;
    for (const row of event.rows) {
      if (replaces(row, this.rows.get(row.conversationId))) this.rows.set(row.conversationId, row);
      else if (!("removed" in row)) this.setLevel(row);
    }
    if (event.more) this.send({ op: "list", after: event.next });
    if (event.more === false) this.isListed = true;
  }

  /** The level that came last is the present one, with whichever version of the row. */
  private setLevel({ conversationId, level, muted }: Omit<LevelEvent, "type">): void {
    const known = this.rows.get(conversationId);
    if (known && !("removed" in known)) {
      this.rows.set(conversationId, { ...known, level, muted });
    }
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Opens the inbox of a person, and closes it when the test ends. */
export async function openInbox(person: Caller, query = ""): Promise<InboxReplica> {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/live${query}`, {
      headers: {
        Upgrade: "websocket",
        Authorization: `Bearer ${person.token}`,
        "Sec-WebSocket-Protocol": PROTOCOL,
      },
    }),
  );
  if (!response.webSocket) throw new Error(`no socket, but ${response.status}`);
  const replica = new InboxReplica(response.webSocket);
  onTestFinished(() => replica.close());
  return replica;
}

/** An inbox whose list is complete. */
export async function openListed(person: Caller): Promise<InboxReplica> {
  const inbox = await openInbox(person);
  await inbox.listed();
  return inbox;
}

/** Checks that an inbox converges to what the list over REST gives, channels aside. */
export async function expectSameAsList(person: Caller, inbox: InboxReplica): Promise<void> {
  await vi.waitFor(() => expectSameNow(person, inbox), { timeout: 10_000, interval: 50 });
}

async function expectSameNow(person: Caller, inbox: InboxReplica): Promise<void> {
  const { body } = await person.get("/api/v1/chat/conversations");
  const shown = inbox.entries
    .filter(({ kind }) => kind !== "channel")
    .map(({ conversationId, title, lastMessage, unread, mentions, archived, members }) => ({
      ...{ conversationId, title, unread, mentions, archived, members },
      last: lastMessage && [lastMessage.id, lastMessage.content, lastMessage.createdAt],
    }));
  expect(shown).toEqual(
    // biome-ignore lint/suspicious/noExplicitAny: the reference checks the answer
    body.map((row: any) => ({
      conversationId: row.conversationId,
      title: row.title,
      unread: row.unreadCount,
      mentions: row.unreadMentions,
      archived: row.isArchived,
      members: [...row.participantIds].sort().slice(0, 8),
      last: row.lastMessage && [
        row.lastMessage.messageId,
        [...row.lastMessage.content].slice(0, 200).join(""),
        row.lastMessage.sentAt,
      ],
    })),
  );
}

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type InboxEntry, type InboxRow, inboxEntry } from "../../src/live/inbox-events.ts";
import { changed, inboxHello, inboxOf, lastMessage, page, removal, row } from "./fake-inbox.ts";
import type { FakeSocket } from "./fake-server.ts";

/** Whatever is lost, repeated or late: once its list is complete, an inbox shows what the server has. */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A change of a conversation: a message in it, or the removal of the user. */
const change = fc.record({ conversation: fc.integer({ min: 1, max: 9 }), isRemoval: fc.boolean() });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("change"), change }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("repeat"), change }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("page") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("away"),
      changes: fc.array(change, { maxLength: 9 }),
    }),
  },
);

/** A server that sends every change and, of the list, pages of three rows that are somewhat old. */
class Server {
  private rows = new Map<number, InboxRow>();
  private rev = 0;
  private socket: FakeSocket | undefined;
  /** The rows as the next page has them: everything that has changed since then was sent. */
  private old = new Map<number, InboxRow>();
  /** The newest revision of the next page; `undefined`: the list is complete. */
  private place: number | undefined;

  greet(socket: FakeSocket): void {
    this.socket = socket;
    this.place = Infinity;
    this.old = new Map(this.rows);
    socket.say(inboxHello());
  }

  lose(): void {
    this.socket?.end(1006);
    this.socket = undefined;
  }

  change({ conversation, isRemoval }: { conversation: number; isRemoval: boolean }): void {
    const rev = ++this.rev;
    const entry = { unread: rev % 4, lastMessage: lastMessage(conversation, rev) };
    const next = isRemoval ? removal(conversation, rev) : row(conversation, rev, entry);
    this.rows.set(conversation, next);
    this.socket?.say(changed(next));
  }

  repeat(conversation: number): void {
    const known = this.rows.get(conversation);
    if (known) this.socket?.say(changed(known));
  }

  /** Sends the next page; whether there was one. */
  page(): boolean {
    const { place } = this;
    if (place === undefined) return false;
    const rest = entriesOf(this.old).filter(({ rev }) => rev <= place);
    this.place = rest[3]?.rev;
    this.socket?.say(page(rest.slice(0, 3), this.place === undefined ? undefined : "next"));
    this.old = new Map(this.rows);
    return true;
  }

  get entries(): InboxEntry[] {
    return entriesOf(this.rows);
  }
}

function entriesOf(rows: ReadonlyMap<number, InboxRow>): InboxEntry[] {
  return [...rows.values()]
    .flatMap((one) => ("removed" in one ? [] : [one]))
    .sort((a, b) => b.rev - a.rev);
}

test("the rows are those of the server", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { inbox, socket } = inboxOf();
      let connections = 0;
      const server = new Server();
      server.greet(await socket(0));
      for (const one of steps) {
        if ("change" in one && one.type === "change") server.change(one.change);
        else if ("change" in one) server.repeat(one.change.conversation);
        else if (one.type === "page") server.page();
        else if ("changes" in one) {
          server.lose();
          for (const each of one.changes) server.change(each);
          inbox.wake();
          server.greet(await socket(++connections));
        }
      }
      while (server.page());
      expect(inbox.rows).toEqual(server.entries.map((entry) => inboxEntry.parse(entry)));
      expect(inbox.unread).toBe(server.entries.reduce((sum, { unread }) => sum + unread, 0));
      expect(inbox.status.state).toBe("live");
      inbox.close();
    }),
  );
});

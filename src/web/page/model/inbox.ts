import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Inbox as LiveInbox } from "../../../client/inbox.ts";
import type { InboxEvent } from "../../../client/inbox-event.ts";
import type { InboxRow } from "../../../client/inbox-received.ts";
import { CLOSE } from "../../../live/version.ts";
import { type Entry, entryOf, namedIn } from "./entry.ts";
import type { Identity } from "./identity.ts";
import { type Known, knownOf, newerThan } from "./known.ts";
import { OVER } from "./notices.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";

/** Entries that are shown at first, and more with each request for more. */
const SHOWN_AT_ONCE = 200;

/** What the list needs of the session that it belongs to. */
interface InboxSession {
  readonly me: Identity;
  readonly people: People;
  readonly over: Signal<string | undefined>;
  readonly rooms: ReadonlySignal<ReadonlyMap<string, Room>>;
}

/**
 * The user's conversations and channels, as the inbox's socket has them. A conversation that is open knows of its
 * changes first, and updates its own entry.
 */
export class Inbox {
  /** Requests first, newest first. */
  readonly entries: ReadonlySignal<readonly Entry[]>;
  /** Entries that are shown at most: the newest. */
  readonly limit = signal(SHOWN_AT_ONCE);
  private readonly live: LiveInbox;
  private readonly session: InboxSession;
  /** Increases with every change of the rows. */
  private readonly version = signal(0);
  /** What was known of conversations when they were left, which their rows may not show yet. */
  private readonly left = new Map<string, Known>();
  private changed = false;

  constructor(session: InboxSession, live: LiveInbox) {
    this.session = session;
    this.live = live;
    this.entries = computed(() => {
      void this.version.value;
      const entries = live.rows.map((row) => this.entry(row));
      const byTime = (a: Entry, b: Entry) => (a.lastAt < b.lastAt ? 1 : -1);
      return entries.sort((a, b) => Number(b.isRequest) - Number(a.isRequest) || byTime(a, b));
    });
    live.on("event", (event) => this.heard(event));
  }

  /** Whether the list has been complete at least once. */
  get loaded(): boolean {
    void this.version.value;
    return this.live.isComplete;
  }

  /** Whether the list may be out of date: it is not connected, or cannot be read. */
  get isStale(): boolean {
    void this.version.value;
    const { status } = this.live;
    if (status.state === "connecting") return status.reason !== undefined;
    return status.state !== "live";
  }

  /** Unread messages of everything that is neither archived nor a request. */
  get unread(): number {
    return this.entries.value.reduce(
      (sum, { unread, isArchived, isRequest }) => sum + (isArchived || isRequest ? 0 : unread),
      0,
    );
  }

  showMore(): void {
    this.limit.value += SHOWN_AT_ONCE;
    this.bump();
  }

  has(id: string): boolean {
    void this.version.value;
    return this.live.row(id) !== undefined;
  }

  /** Toggles the user's archived flag; resolves once that is durable. */
  async archive(id: string): Promise<void> {
    await this.live.archive(id, this.live.row(id)?.archived !== true);
  }

  /** Keeps what a conversation that is left knows, until its row shows that as well. */
  leave({ id, conversation }: Room): void {
    const known = knownOf(conversation);
    if (known) this.left.set(id, known);
  }

  private entry(row: InboxRow): Entry {
    const { me, people, rooms } = this.session;
    const { conversationId: id } = row;
    const room = rooms.value.get(id);
    void room?.version.value;
    return entryOf(row, {
      me: me.id,
      nameOf: (userId) => people.nameOf(userId),
      known: newerThan(row, room ? knownOf(room.conversation) : this.left.get(id)),
      online: room?.online,
      typing: room?.conversation.typing ?? [],
    });
  }

  private heard(event: InboxEvent): void {
    if (event.type === "row") {
      const { row } = event;
      if (!newerThan(row, this.left.get(row.conversationId))) this.left.delete(row.conversationId);
    }
    if (event.type === "removed") this.left.delete(event.conversationId);
    if (event.type === "status") this.statusChanged(event);
    this.bump();
  }

  private statusChanged(status: Extract<InboxEvent, { type: "status" }>): void {
    const { over } = this.session;
    // Nobody can be refused their own list, unless they are banned.
    if (status.state === "closed" && status.code === CLOSE.notAMember) over.value = OVER.banned;
    if (status.state !== "offline" || status.code !== CLOSE.unauthenticated) return;
    // The client waits only where the token that it has fetched instead was refused as well.
    if (status.retryInMs > 0) over.value = OVER.expired;
  }

  /** All events of one frame are one change. */
  private bump(): void {
    if (this.changed) return;
    this.changed = true;
    queueMicrotask(() => {
      this.changed = false;
      this.session.people.want(this.live.rows.slice(0, this.limit.peek()).flatMap(namedIn));
      this.version.value++;
    });
  }
}

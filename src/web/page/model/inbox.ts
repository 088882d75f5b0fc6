import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ParleyError } from "../../../client/error.ts";
import type { InboxEntry, MyChannel, Rest } from "../../../client/rest.ts";
import type { Identity } from "./identity.ts";
import { authorIn, type Newest, newestIn, previewOf } from "./newest.ts";
import { complain } from "./notices.ts";
import type { People } from "./people.ts";
import type { Room } from "./room.ts";

/** A conversation as the list shows it. */
export interface Entry {
  id: string;
  kind: "direct" | "group" | "channel";
  title: string;
  /** The other member of a direct conversation. */
  other: string | undefined;
  /** Time of the last activity, ISO 8601. */
  lastAt: string;
  preview: string;
  unread: number;
  isArchived: boolean;
  isOnline: boolean;
  typing: readonly string[];
}

/** What the lists need of the session that they belong to. */
interface InboxSession {
  readonly me: Identity;
  readonly rest: Rest;
  readonly people: People;
  readonly isOver: Signal<boolean>;
  readonly rooms: ReadonlySignal<ReadonlyMap<string, Room>>;
}

/**
 * The user's conversations and channels. The lists name them; a conversation with an open socket updates
 * its own row.
 */
export class Inbox {
  readonly loaded = signal(false);
  /** Whether the last request for the lists failed. */
  readonly isStale = signal(false);
  readonly entries: ReadonlySignal<readonly Entry[]>;
  private readonly conversations = signal<readonly InboxEntry[]>([]);
  private readonly channels = signal<readonly MyChannel[]>([]);
  private readonly session: InboxSession;
  private refreshing: Promise<void> | undefined;

  constructor(session: InboxSession) {
    this.session = session;
    this.entries = computed(() =>
      [
        ...this.conversations.value.map((entry) => this.conversationEntry(entry)),
        ...this.channels.value.map((channel) => this.channelEntry(channel)),
      ].sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1)),
    );
  }

  /** Unread messages of everything that is not archived. */
  get unread(): number {
    return this.entries.value.reduce(
      (sum, { unread, isArchived }) => sum + (isArchived ? 0 : unread),
      0,
    );
  }

  /** A channel's list row, with the user's role in it. */
  channel(id: string): MyChannel | undefined {
    return this.channels.value.find(({ channelId }) => channelId === id);
  }

  /** The ids of the newest conversations in the lists. */
  newest(count: number): string[] {
    const known = [
      ...this.conversations.value.map((entry) => [
        entry.lastMessageTime ?? "",
        entry.conversationId,
      ]),
      ...this.channels.value.map((channel) => [channel.createdAt, channel.channelId]),
    ];
    return known
      .sort(([a = ""], [b = ""]) => (a < b ? 1 : -1))
      .slice(0, count)
      .map(([, id = ""]) => id);
  }

  /** Reloads the lists; concurrent calls share one request. */
  refresh(channels: boolean): Promise<void> {
    this.refreshing ??= this.fetch(channels || !this.loaded.peek()).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async fetch(channels: boolean): Promise<void> {
    const { rest, people } = this.session;
    try {
      const [entries, mine] = await Promise.all([
        rest.conversations(),
        channels ? rest.myChannels() : undefined,
      ]);
      people.want(entries.flatMap((entry) => entry.participantIds.slice(0, 10)));
      if (JSON.stringify(entries) !== JSON.stringify(this.conversations.peek())) {
        this.conversations.value = entries;
      }
      if (mine && JSON.stringify(mine) !== JSON.stringify(this.channels.peek())) {
        this.channels.value = mine;
      }
      this.loaded.value = true;
      this.isStale.value = false;
    } catch (error) {
      // The client has already retried with a fresh token, if there is one.
      if (error instanceof ParleyError && error.code === "unauthenticated") {
        this.session.isOver.value = true;
        return;
      }
      if (!this.isStale.peek() && !this.loaded.peek()) complain(error);
      this.isStale.value = true;
    }
  }

  /** Toggles the user's archived flag, here at once and then on the server. */
  async archive(id: string): Promise<void> {
    const { isArchived } = await this.session.rest.archive(id);
    this.conversations.value = this.conversations
      .peek()
      .map((entry) => (entry.conversationId === id ? { ...entry, isArchived } : entry));
  }

  private conversationEntry(entry: InboxEntry): Entry {
    const { me, people } = this.session;
    const others = entry.participantIds.filter((id) => id !== me.id);
    const kind = entry.type === "Direct" ? "direct" : "group";
    const names = others.slice(0, 4).map((id) => people.nameOf(id));
    const last = entry.lastMessage;
    const room = this.roomOf(entry.conversationId);
    const title = (room?.conversation.info ?? entry).title;
    return this.entry(room, kind, {
      id: entry.conversationId,
      title: (kind === "group" && title) || names.join(", ") || "Nobody else",
      other: kind === "direct" ? others[0] : undefined,
      createdAt: "",
      unread: entry.unreadCount,
      isArchived: entry.isArchived,
      newest: last && {
        senderId: last.senderId,
        text: previewOf({
          content: last.content,
          attachments: last.attachments.map(({ fileName }) => ({ name: fileName })),
        }),
        at: last.sentAt,
      },
    });
  }

  private channelEntry(channel: MyChannel): Entry {
    const room = this.roomOf(channel.channelId);
    return this.entry(room, "channel", {
      id: channel.channelId,
      title: room?.conversation.info?.title ?? channel.name,
      other: undefined,
      createdAt: channel.createdAt,
      unread: 0,
      isArchived: channel.isArchived,
      newest: null,
    });
  }

  private entry(
    room: Room | undefined,
    kind: Entry["kind"],
    listed: Pick<Entry, "id" | "title" | "other" | "unread" | "isArchived"> & {
      createdAt: string;
      newest: Newest | null;
    },
  ): Entry {
    const { me, people } = this.session;
    const { id, title, other, isArchived } = listed;
    const conversation = room?.conversation;
    const newest = newestIn(conversation?.messages ?? []) ?? listed.newest;
    const author =
      newest?.senderId === me.id ? "You: " : authorIn(kind, newest, people.nameOf.bind(people));
    return {
      ...{ id, kind, title, other, isArchived },
      lastAt: newest?.at ?? conversation?.info?.createdAt ?? listed.createdAt,
      preview: newest ? author + newest.text : "",
      unread: room?.wasLive ? room.conversation.unread : listed.unread,
      isOnline: other !== undefined && room?.online?.has(other) === true,
      typing: conversation?.typing.filter((userId) => userId !== me.id) ?? [],
    };
  }

  /** The room of a conversation with an open socket; reading it subscribes to its changes. */
  private roomOf(id: string): Room | undefined {
    const room = this.session.rooms.value.get(id);
    void room?.version.value;
    return room;
  }
}

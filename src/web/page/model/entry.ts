import type { InboxRow } from "../../../client/inbox-received.ts";
import type { Known } from "./known.ts";
import { authorIn, newestOf } from "./newest.ts";

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
  /** Somebody whom the user does not know has written, and waits for an answer. */
  isRequest: boolean;
  isOnline: boolean;
  isMuted: boolean;
  typing: readonly string[];
}

/** What an entry shows besides its row. */
export interface Context {
  me: string;
  nameOf: (id: string) => string;
  /** What is known of it that is newer than the row. */
  known: Known | undefined;
  /** Who is online, of a conversation that is open. */
  online: ReadonlySet<string> | undefined;
  typing: readonly string[];
}

export function kindOf(kind: InboxRow["kind"]): Entry["kind"] {
  if (kind === "direct" || kind === "purchase-request") return "direct";
  return kind === "channel" ? "channel" : "group";
}

/** The people whose names an entry shows. */
export function namedIn({ kind, members, lastMessage }: InboxRow): string[] {
  const shown = kind === "channel" ? [] : members.slice(0, 5);
  return lastMessage?.senderId ? [...shown, lastMessage.senderId] : shown;
}

export function entryOf(row: InboxRow, context: Context): Entry {
  const { me, nameOf, known, online, typing } = context;
  const kind = kindOf(row.kind);
  const others = row.members.filter((id) => id !== me);
  const names = others.slice(0, 4).map(nameOf);
  const given = known ? known.title : row.title;
  const other = kind === "direct" ? others[0] : undefined;
  const newest = known?.newest ?? newestOf(row.lastMessage);
  const author = newest?.senderId === me ? "You: " : authorIn(kind, newest, nameOf);
  return {
    ...{ id: row.conversationId, kind, other },
    title: (kind !== "direct" && given) || names.join(", ") || "Nobody else",
    lastAt: newest?.at ?? row.createdAt,
    preview: newest ? author + newest.text : "",
    unread: known?.unread ?? row.unread,
    isArchived: row.archived || row.closed === true,
    isRequest: row.request === true,
    isMuted: row.muted === true,
    isOnline: other !== undefined && online?.has(other) === true,
    typing: typing.filter((userId) => userId !== me),
  };
}

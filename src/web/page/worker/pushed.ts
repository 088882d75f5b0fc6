import { fieldsOf } from "./messages.ts";

/** What a notification that is shown remembers. */
export interface Shown {
  /** The same for every attempt at sending it. */
  id: string | undefined;
  conversationId: string | undefined;
  /** Whose it is: several people may use one browser. */
  userId: string | undefined;
  /** When its message was sent, in milliseconds since the epoch; 0: not known. */
  createdAt: number;
}

/** A push, as far as it can be read. */
export interface Pushed extends Shown {
  title: string;
  body: string;
  /** Unread messages of all conversations. */
  total: number | undefined;
  /** Conversations that were read since. */
  read: readonly string[];
}

/**
 * Reads what the server has pushed. Browsers demand that every push is shown: one that cannot be read is
 * shown as a new message that opens the page. The page's schemas would make the service worker ten times as
 * large.
 */
export function pushedOf(text: string | undefined): Pushed {
  const { title, body, total, read, ...rest } = fieldsOf(parsed(text));
  return {
    ...shownOf(rest),
    title: stringOf(title) ?? "New message",
    body: stringOf(body) ?? "",
    total: typeof total === "number" ? total : undefined,
    read: Array.isArray(read) ? read.filter((id) => typeof id === "string") : [],
  };
}

/** What a notification remembers, read from its data. */
export function shownOf(data: unknown): Shown {
  const { id, conversationId, userId, createdAt } = fieldsOf(data);
  const at = new Date(typeof createdAt === "number" ? createdAt : (stringOf(createdAt) ?? 0));
  return {
    id: stringOf(id),
    conversationId: stringOf(conversationId),
    userId: stringOf(userId),
    createdAt: Number.isNaN(at.getTime()) ? 0 : at.getTime(),
  };
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

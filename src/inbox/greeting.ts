import type { InboxList } from "../conversation/outbound/inboxes/inbox-api.ts";
import type { Directory } from "../directory/directory.ts";
import { stats } from "../directory/inbox.ts";
import { type InboxPage, inboxRows } from "../directory/inbox-rows.ts";
import { isLarge, KINDS } from "../domain/conversation.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import { replaces } from "../domain/inbox.ts";
import type { FrameId } from "../live/frames.ts";
import type { InboxRow, InboxSettings } from "../live/inbox-events.ts";
import { MAX_FRAME_BYTES, MAX_SOCKETS_PER_USER, PROTOCOL } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import type { Connection, Connections } from "./connections.ts";

/** A client that reconnects waits so long at first. */
const RECONNECT_AFTER_MS = 1_000;
/** How long to wait before a list is requested again that could not be read. */
const RETRY_AFTER_MS = 2_000;

export interface ListSource {
  connections: Connections;
  /** Throws, or its answers reject, while D1 is unavailable. */
  directory: () => Directory;
  /** Rows that D1 may not have yet. */
  recent: () => InboxRow[];
  /** Has large conversations call this inbox: they do so only where it asks for it. */
  arm: (conversationIds: readonly string[]) => void;
  /** A row as it is sent to the user. */
  shownOf: (row: InboxRow) => InboxRow;
}

/** Sends `hello` and the first page of the list, in one frame. */
export async function greet(
  source: ListSource,
  connection: Connection,
  settings: () => InboxSettings,
): Promise<void> {
  const { userId } = connection.identity;
  const [totals, list] = await Promise.all([
    totalsOf(source, userId),
    listPage(source, connection, undefined, undefined),
  ]);
  const hello = {
    type: "hello",
    protocol: PROTOCOL,
    you: { userId },
    ...(totals && { unread: totals.totalUnread, mentions: totals.totalMentions }),
    settings: settings(),
    limits: { sockets: MAX_SOCKETS_PER_USER, frameBytes: MAX_FRAME_BYTES },
    reconnectAfterMs: RECONNECT_AFTER_MS,
  };
  source.connections.greet(connection, `${JSON.stringify(hello)}\n${list}`);
}

/** `undefined`: they cannot be read. */
async function totalsOf({ directory }: ListSource, userId: string) {
  try {
    return await stats(directory(), userId, KINDS);
  } catch {
    return undefined;
  }
}

/**
 * A page of the list as an `inbox` event; an `error` with `retryAfterMs` where D1 cannot be read. Rows that
 * change go on meanwhile.
 */
export async function listPage(
  source: ListSource,
  { identity: { userId } }: Connection,
  after: string | undefined,
  id: FrameId,
): Promise<string> {
  const page = await readList(source, userId, after);
  if (!page.ok) return JSON.stringify(errorEventOf(page.error, id));
  const { rows, next } = page.value;
  return JSON.stringify({
    type: "inbox",
    ...(id !== undefined && { id }),
    rows,
    more: next !== undefined,
    next,
  });
}

/** A page of the list with what D1 does not have yet; `unavailable` where D1 cannot be read. */
export async function readList(
  { directory, recent, arm, shownOf }: Omit<ListSource, "connections">,
  userId: string,
  after: string | undefined,
): Promise<Result<InboxList>> {
  let page: InboxPage;
  try {
    page = await inboxRows(directory(), userId, after);
  } catch (error) {
    log("inbox_list_failed", { userId, error });
    return fail("unavailable", { retryAfterMs: RETRY_AFTER_MS });
  }
  const { next } = page;
  // The last page is complete with what D1 does not have yet.
  const rows = next === undefined ? newest([...page.rows, ...recent()]) : page.rows;
  arm(page.rows.filter((row) => isLarge(row.memberCount)).map((row) => row.conversationId));
  return ok({ rows: rows.map(shownOf), next });
}

/** The newest version of each row. */
function newest(rows: readonly InboxRow[]): InboxRow[] {
  const byId = new Map<string, InboxRow>();
  for (const row of rows) {
    if (replaces(row, byId.get(row.conversationId))) byId.set(row.conversationId, row);
  }
  return [...byId.values()];
}

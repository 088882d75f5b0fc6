import { setTimeout as sleep } from "node:timers/promises";
import type { Inbox } from "../../src/client/inbox.ts";
import type { Parley } from "../../src/client/parley.ts";
import type { Rest } from "../../src/client/rest.ts";
import { PREVIEW_LENGTH, PREVIEWED_MEMBERS } from "../../src/domain/inbox.ts";
import type { Findings } from "./checks.ts";

/** How long an inbox may take to catch up after the disturbances. */
const PATIENCE_MS = 45_000;

/** The inbox of one person, connected during a whole round. */
export class InboxClient {
  readonly userId: string;
  readonly inbox: Inbox;
  /** Rows that came because they had changed just then. */
  changes = 0;
  /** Rows that were replaced by an older version. */
  private outOfOrder = 0;
  private readonly versions = new Map<string, { epoch: string; rev: number }>();
  private readonly rest: Rest;

  constructor(userId: string, parley: Parley) {
    this.userId = userId;
    this.rest = parley.rest;
    this.inbox = parley.inbox();
    this.inbox.on("row", ({ cause, row }) => {
      if (cause === "live") this.changes++;
      const before = this.versions.get(row.conversationId);
      if (before?.epoch === row.epoch && before.rev > row.rev) this.outOfOrder++;
      this.versions.set(row.conversationId, row);
    });
  }

  /** Compares the inbox with the list that REST gives, until they are the same or it took too long. */
  async check(findings: Findings): Promise<void> {
    if (this.outOfOrder > 0) {
      findings.reordered.add(`inbox of ${this.userId}: ${this.outOfOrder} older rows applied`);
    }
    let [shown, listed]: [string, string] = ["", ""];
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(100)) {
      listed = asText(listOf(await this.rest.conversations()));
      shown = this.inbox.status.state === "live" ? asText(shownBy(this.inbox)) : "not live";
      if (shown === listed) return;
    }
    findings.different.add(`inbox of ${this.userId}: shows ${shown}, the list is ${listed}`);
  }
}

const asText = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join("\n");

/** What an inbox and the list both show. */
function shownBy(inbox: Inbox): object[] {
  return inbox.rows.map(({ conversationId, title, lastMessage: last, ...row }) => ({
    ...{ conversationId, title, unread: row.unread, mentions: row.mentions },
    ...{ archived: row.archived, members: row.members },
    last: last && [last.id, last.content, last.createdAt],
  }));
}

function listOf(list: Awaited<ReturnType<Rest["conversations"]>>): object[] {
  return list.map(({ conversationId, title, lastMessage: last, ...entry }) => ({
    ...{ conversationId, title, unread: entry.unreadCount, mentions: entry.unreadMentions },
    archived: entry.isArchived,
    members: [...entry.participantIds].sort().slice(0, PREVIEWED_MEMBERS),
    last: last && [
      last.messageId,
      [...(last.content ?? "")].slice(0, PREVIEW_LENGTH).join(""),
      last.sentAt,
    ],
  }));
}

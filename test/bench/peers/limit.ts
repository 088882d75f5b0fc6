import { DurableObject } from "cloudflare:workers";
import { createTable, fillTable } from "./table.ts";

/** A message to be committed; `committed` is called once it is. */
interface Pending {
  senderId: string;
  content: string;
  clientMessageId: string;
  committed: (number: number, createdAt: number) => void;
}

/**
 * (d) The platform's minimum for a chat: messages are stored in groups, one row each, and answered
 * after their commit, which the platform's output gate makes durable. Without validation,
 * idempotency, members, permissions, lists and revisions.
 */
export class Limit extends DurableObject<unknown> {
  private queue: Pending[] = [];
  private windowOpen = false;
  private last: number;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    createTable(ctx.storage.sql);
    const { last } = ctx.storage.sql
      .exec<{ last: number | null }>("SELECT max(number) AS last FROM messages")
      .one();
    this.last = last ?? 0;
  }

  /** Fills an empty table with `count` messages. */
  fill(count: number): void {
    fillTable(this.ctx.storage.sql, count);
    this.last = count;
  }

  /** Commits a message; the answer as JSON. */
  send(senderId: string, content: string, clientMessageId: string): Promise<string> {
    return new Promise((resolve) => {
      const committed = (number: number, createdAt: number) =>
        resolve(
          `{"messageId":"${this.idOf(number)}","sentAt":"${new Date(createdAt).toISOString()}"}`,
        );
      this.submit({ senderId, content, clientMessageId, committed });
    });
  }

  /** The 50 newest messages, as Parley's page of UniHub's API. */
  page(): string {
    const rows = this.ctx.storage.sql
      .exec("SELECT * FROM messages ORDER BY number DESC LIMIT 50")
      .raw();
    const conversationId = this.ctx.id.name;
    const items = Array.from(rows, (row) => {
      const [number, , , senderId, , content, replyToMessageId, createdAt, editedAt, deletedAt] =
        row;
      return {
        messageId: this.idOf(Number(number)),
        conversationId,
        senderId,
        content,
        type: "Text",
        sentAt: new Date(Number(createdAt)).toISOString(),
        editedAt,
        isDeleted: deletedAt !== null,
        replyToMessageId,
        attachments: [],
        reactions: [],
      };
    });
    const totalPages = Math.ceil(this.last / 50);
    return JSON.stringify({ items, totalCount: this.last, page: 1, pageSize: 50, totalPages });
  }

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Commits a message, and sends one frame with all messages of its group to every socket. */
  override webSocketMessage(_: WebSocket, frame: string): void {
    const { id, content } = JSON.parse(frame);
    this.submit({
      senderId: "somebody",
      content,
      clientMessageId: `key-${id}`,
      committed: (number, createdAt) =>
        this.lines.push(JSON.stringify({ id, number, content, createdAt })),
    });
  }
  private lines: string[] = [];

  private submit(pending: Pending): void {
    this.queue.push(pending);
    if (!this.windowOpen) this.next();
  }

  /** Commits what is queued at once, and what arrives until the timer fires together after it. */
  private next(): void {
    const group = this.queue;
    this.queue = [];
    this.windowOpen = group.length > 0;
    if (!this.windowOpen) return;
    setTimeout(() => this.next(), 0);
    const now = Date.now();
    const first = this.last + 1;
    this.ctx.storage.transactionSync(() => {
      for (const [index, { senderId, content, clientMessageId }] of group.entries()) {
        const number = first + index;
        this.ctx.storage.sql.exec(
          `INSERT INTO messages (number, rev, created_rev, sender_id, kind, content, created_at,
             client_message_id) VALUES (?1, ?1, ?1, ?2, 'text', ?3, ?4, ?5)`,
          ...[number, senderId, content, now, clientMessageId],
        );
      }
    });
    this.last += group.length;
    for (const [index, { committed }] of group.entries()) committed(first + index, now);
    if (this.lines.length === 0) return;
    const frame = this.lines.join("\n");
    this.lines = [];
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }

  private idOf(number: number): string {
    return `${this.ctx.id.name?.slice(0, -10)}${number.toString(16).padStart(10, "0")}`;
  }
}

import { DurableObject } from "cloudflare:workers";
import { IDENTITY_HEADER } from "../conversation/api.ts";
import { identitySchema } from "../conversation/identity.ts";
import { backoffMs } from "../conversation/outbound/backoff.ts";
import type { InboxAnswer } from "../conversation/outbound/inboxes/inbox-api.ts";
import { featuresOf } from "../conversation/outbound/sockets/greeting.ts";
import { refusedUpgrade } from "../conversation/outbound/sockets/socket.ts";
import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import { chatError } from "../domain/error.ts";
import { ask } from "../edge/conversations.ts";
import { type Env, settingsOf } from "../env.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { CLOSE, MAX_SOCKETS_PER_USER } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import { type Connection, Connections } from "./connections.ts";
import { handleFrame } from "./frames.ts";
import { greet } from "./greeting.ts";
import { OpenRooms } from "./open-rooms.ts";
import {
  createPending,
  deletePending,
  hasPendingTable,
  insertPending,
  pendingConversations,
} from "./pending.ts";
import { Rearming } from "./rearming.ts";

/**
 * The inbox of one user: their sockets that show all of their conversations. Conversations call it with
 * the newest row of whatever changes; while nobody is connected it only stores which of them have to be
 * asked again. The rows themselves are in D1.
 */
export class Inbox extends DurableObject<Env> {
  private readonly connections: Connections;
  private readonly rooms: OpenRooms;
  private readonly rearming: Rearming;
  private isPendingCreated: boolean;
  private failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const settings = settingsOf(env);
    if (settings instanceof Error) throw settings;
    this.connections = new Connections(
      ctx,
      () => Date.now(),
      (connection) => this.rooms.left(connection),
    );
    this.rooms = new OpenRooms({
      ...{ env, settings, connections: this.connections },
      waitUntil: (work) => ctx.waitUntil(work),
    });
    this.isPendingCreated = hasPendingTable(ctx.storage.sql);
    this.rearming = new Rearming({
      userId: ctx.id.name ?? "",
      ask: (conversationId, call) => ask({ env }, conversationId, call),
      onArmed: (conversationId, row) => this.armed(conversationId, row),
      onFailure: (conversationId, error) => this.failedToArm(conversationId, error),
    });
  }

  update(row: InboxRow): InboxAnswer {
    if (this.connections.broadcast(frameOf([row]))) return "watching";
    this.remember(row.conversationId);
    return "away";
  }

  deliver(gateway: string, batch: Batch): boolean {
    return this.rooms.deliver(gateway, batch);
  }

  deliverEphemeral(gateway: string, conversationId: string, line: string): boolean {
    return this.rooms.deliverEphemeral(gateway, conversationId, line);
  }

  isSubscribed(gateway: string, conversationId: string): boolean {
    return this.rooms.isSubscribed(gateway, conversationId);
  }

  override async fetch(request: Request): Promise<Response> {
    const parsed = identitySchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(IDENTITY_HEADER) ?? "null")),
    );
    if (!parsed.success) throw new Error("an upgrade without an identity");
    this.connections.evictStale();
    if (this.connections.size >= MAX_SOCKETS_PER_USER) {
      const message = `At most ${MAX_SOCKETS_PER_USER} connections to an inbox; close one.`;
      const error = errorEventOf(chatError("rate_limited", { message }), undefined);
      return refusedUpgrade(CLOSE.abuse, "too many sockets", JSON.stringify(error));
    }
    const pair = new WebSocketPair();
    const connection = this.connections.accept(
      pair[1],
      parsed.data,
      featuresOf(new URL(request.url).searchParams.get("features")),
    );
    // In this order: from now on conversations get `watching`; those that have stopped calling are asked;
    // then D1 is read. What happens meanwhile comes twice, and clients keep the newer row.
    this.rearm();
    this.ctx.waitUntil(this.greet(connection));
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.connections.of(socket);
    if (!connection) return;
    await handleFrame(
      {
        env: this.env,
        connections: this.connections,
        rooms: this.rooms.of(connection),
        directory: this.directory(),
        arm: (rows) => this.armLarge(rows),
      },
      connection,
      data,
    );
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    const connection = this.connections.of(socket);
    // 1005 and 1006 say that there was no code; they cannot be sent.
    if (connection) {
      this.connections.leave(connection, code === 1005 || code === 1006 ? 1000 : code);
    }
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  override alarm(): void {
    this.rearm();
  }

  private greet(connection: Connection): Promise<void> {
    return greet(
      {
        connections: this.connections,
        directory: this.directory(),
        arm: (rows) => this.armLarge(rows),
      },
      connection,
    );
  }

  /** D1 in a session: a list is at least as new as everything that was written before it was requested. */
  private directory() {
    return directoryOf(sessionOf(this.env.DB, undefined));
  }

  /** Asks the conversations that have stopped calling, if there is somebody to show them to. */
  private rearm(): void {
    if (this.connections.size === 0 || !this.isPendingCreated) return;
    this.rearming.add(pendingConversations(this.ctx.storage.sql));
  }

  /** Large conversations call only those inboxes that ask for it. */
  private armLarge(conversationIds: readonly string[]): void {
    this.rearming.add(conversationIds);
  }

  private armed(conversationId: string, row: InboxRow | undefined): void {
    this.failures = 0;
    if (row && !this.connections.broadcast(frameOf([row]))) return;
    if (this.isPendingCreated) deletePending(this.ctx.storage.sql, conversationId);
  }

  private failedToArm(conversationId: string, error: unknown): void {
    log("rearm_failed", { conversationId, error });
    this.remember(conversationId);
    this.failures++;
    void this.ctx.storage.setAlarm(Date.now() + backoffMs(this.failures));
  }

  /** Stores that a conversation has to be asked once somebody is connected. */
  private remember(conversationId: string): void {
    const { sql } = this.ctx.storage;
    if (!this.isPendingCreated) createPending(sql);
    this.isPendingCreated = true;
    insertPending(sql, conversationId);
  }
}

function frameOf(rows: readonly InboxRow[]): string {
  return JSON.stringify({ type: "inbox", rows });
}

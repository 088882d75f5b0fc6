import { decodePacket, type Packet as EnginePacket } from "engine.io-parser";
import { Decoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { z } from "zod";
import { Links } from "../../attachments/links.ts";
import { actorOf, close, type Seat, seat } from "../../conversation/sessions.ts";
import { SEAT_HEADER } from "../../conversation/stub.ts";
import { chatError, ERRORS, type Result } from "../../domain/error.ts";
import type { Actor } from "../../domain/policy.ts";
import type { Env } from "../../env.ts";
import { tooLarge } from "../../live/frames.ts";
import { MAX_FRAME_BYTES } from "../../live/version.ts";
import { acquaint, bearerOf, verify } from "../../rest/auth.ts";
import { CHATS } from "../../rest/marketplace/schemas.ts";
import { type Ending, Gateway } from "../gateway.ts";
import { type Told, unforeseen } from "../rooms.ts";
import { engineRefusal } from "./errors.ts";
import { HANDLERS } from "./events.ts";
import * as packets from "./packets.ts";
import { Polling } from "./polling.ts";
import { present } from "./present.ts";

/** What the Worker tells of a request: never taken from a client. */
export const visit = z.object({
  /** The connection's id, as the client knows it. */
  id: z.string(),
  /** Whether it has just been given. */
  fresh: z.boolean(),
  /** Whose token came with the request, if one did. */
  seat: seat.nullable(),
  origin: z.string(),
});
export type Visit = z.infer<typeof visit>;

const auth = z.object({ token: z.string().max(8 * 1024 + 16) });

/** A connection of a Socket.IO client: Engine.IO's two transports, and the default namespace on them. */
export class SocketIoGateway extends Gateway {
  private polling: Polling | undefined;
  /** A socket that is to take over from polling. */
  private probe: WebSocket | undefined;
  private visit: Visit | undefined;
  private connecting = false;
  private decoder = this.newDecoder();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, "socketio", [packets.PONG, packets.NOOP]);
  }

  /** Engine.IO's requests, as the Worker lets them through. */
  override async fetch(request: Request): Promise<Response> {
    const header = request.headers.get(SEAT_HEADER);
    const said = visit.parse(JSON.parse(decodeURIComponent(header ?? "null")));
    const isUpgrade = request.headers.get("Upgrade") === "websocket";
    if (said.fresh) return this.begin(said, isUpgrade);
    if (!this.polling) return engineRefusal("unknownSession");
    this.heard();
    if (isUpgrade) return this.probe ? engineRefusal("badRequest") : this.accept("pending");
    return request.method === "POST" ? this.take(request) : this.give(this.polling);
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    if (typeof data === "string" ? tooLarge(data) : data.byteLength > MAX_FRAME_BYTES) {
      if (socket === this.socket) this.drop();
      else close(socket, 1009, "too large");
      return;
    }
    if (socket === this.probe) {
      this.probed(socket, data);
    } else if (socket === this.socket) {
      this.heard();
      this.hear(decodePacket(data, "nodebuffer"));
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    if (socket === this.socket) this.finish();
    if (socket === this.probe) this.unprobe();
    // 1005 and 1006 say that there was no code; they cannot be sent.
    close(socket, code === 1005 || code === 1006 ? 1000 : code, "");
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  /** The heartbeat of a socket: its pongs are answered while the object sleeps, and looked at here. */
  override async alarm(): Promise<void> {
    if (!this.socket || !this.attends()) return;
    this.send([packets.PING]);
    await this.scheduleHeartbeat();
  }

  protected opened(socket: WebSocket): void {
    if (this.polling) {
      this.probe = socket;
      return;
    }
    this.socket = socket;
    this.keep({ stage: "open", openedAt: Date.now() });
  }

  /** The reference lets admins and resolvers into any chat, and has no channels. */
  protected actorOf(seat: Seat): Actor {
    return { ...actorOf(seat), reach: "staff", kinds: CHATS };
  }

  protected present(told: Told): string[] {
    return present(told).map(([name, payload]) => packets.eventPacket(name, payload));
  }

  protected send(messages: readonly string[]): void {
    try {
      if (this.socket) for (const message of messages) this.socket.send(message);
      else if (this.polling && !this.polling.push(messages)) this.drop();
    } catch {
      this.drop();
    }
  }

  protected end(why: Ending): void {
    // After a disconnection by the server clients do not reconnect by themselves: they need a new token.
    if (why === "expired") this.send([packets.DISCONNECT]);
    this.drop();
  }

  private begin(said: Visit, isUpgrade: boolean): Response {
    if (this.visit) return engineRefusal("badRequest");
    this.visit = said;
    this.heard();
    this.awaitHandshake(() => this.drop());
    if (isUpgrade) {
      const response = this.accept("open");
      this.send([packets.openPacket(said.id, [])]);
      return response;
    }
    this.polling = new Polling();
    return plain(packets.openPacket(said.id, ["websocket"]));
  }

  private async give(polling: Polling): Promise<Response> {
    const payload = polling.poll();
    if (!payload) {
      this.drop();
      return engineRefusal("badRequest");
    }
    return plain(await payload);
  }

  private async take(request: Request): Promise<Response> {
    for (const packet of packets.packetsOf(await request.text())) {
      if (!this.polling) break;
      if (packet.type === "error") {
        this.drop();
        return engineRefusal("badRequest");
      }
      this.hear(packet);
    }
    return plain("ok");
  }

  /** What a socket says that is to take over: a probe, and then that it does. */
  private probed(socket: WebSocket, data: string | ArrayBuffer): void {
    const { polling } = this;
    if (data === packets.PROBE && polling) {
      socket.send(packets.PROBE_ANSWER);
      polling.upgrade();
    } else if (data === packets.UPGRADE && polling) {
      this.probe = undefined;
      this.polling = undefined;
      this.socket = socket;
      this.keep({ stage: "open", openedAt: Date.now() });
      this.send(polling.drain());
      if (this.rooms) this.inBackground(this.scheduleHeartbeat());
    } else {
      this.unprobe();
      close(socket, 1000, "");
    }
  }

  /** No socket takes over: polling goes on. */
  private unprobe(): void {
    this.probe = undefined;
    if (this.polling) this.polling.upgrading = false;
  }

  private hear(packet: EnginePacket): void {
    switch (packet.type) {
      case "message":
        try {
          this.decoder.add(packet.data);
        } catch {
          this.drop();
        }
        break;
      case "close":
      case "error":
      case "ping":
        // Unreadable, or of the wrong direction: Engine.IO closes.
        this.drop();
        break;
      case "pong":
      case "noop":
      case "open":
      case "upgrade":
        break;
    }
  }

  private decoded(packet: Packet): void {
    // The parser lets some through that lack what their type needs.
    if (!isPacketValid(packet)) {
      this.drop();
      return;
    }
    switch (packet.type) {
      case PacketType.CONNECT:
        this.inBackground(this.introduce(packet));
        break;
      case PacketType.EVENT:
        if (packet.nsp !== packets.NAMESPACE || !this.rooms) this.drop();
        else if (this.attends()) this.inBackground(this.handle(packet));
        break;
      case PacketType.ACK:
        // Nothing of ours asks for one.
        break;
      default:
        this.drop();
    }
  }

  private async introduce(packet: Packet): Promise<void> {
    if (packet.nsp !== packets.NAMESPACE) {
      this.send([packets.refused(packet.nsp, "Invalid namespace")]);
      return;
    }
    if (this.connecting || this.rooms || !this.visit) {
      this.drop();
      return;
    }
    this.connecting = true;
    const seated = await this.seatOf(this.visit, packet.data).catch((error: unknown) => {
      unforeseen(error);
      return "unavailable" as const;
    });
    this.connecting = false;
    // It may have ended meanwhile.
    if (!this.visit) return;
    if (typeof seated === "string") {
      this.send([packets.refused(packets.NAMESPACE, ERRORS[seated][1], seated)]);
      return;
    }
    this.seated(seated);
    this.inBackground(acquaint(this.env, this.actorOf(seated)));
    this.send([packets.connected(this.ctx.id.name ?? "")]);
    if (this.socket) await this.scheduleHeartbeat();
  }

  private async seatOf({ seat, origin }: Visit, data: unknown): Promise<Seat | "unauthenticated"> {
    const given = auth.safeParse(data);
    if (!given.success) return seat ?? "unauthenticated";
    const { token } = given.data;
    const verified = await verify(this.settings, bearerOf(token) ?? token);
    if (!verified) return "unauthenticated";
    const { userId, name, avatarUrl, role } = verified.actor;
    return { userId, name, avatarUrl, role, expiresAt: verified.expiresAt, origin };
  }

  private async handle(packet: Packet): Promise<void> {
    const [name, ...args]: unknown[] = packet.data;
    const { rooms, settings } = this;
    const handler = typeof name === "string" ? HANDLERS.get(name) : undefined;
    if (!rooms) return;
    let result: Result<unknown>;
    if (!handler) {
      const message = "There is no such event; see docs.";
      result = { ok: false, error: chatError("invalid_request", { message }) };
    } else if (handler.limited && !this.spend()) {
      result = { ok: false, error: chatError("rate_limited", { retryAfterMs: 1_000 }) };
    } else {
      const origin = settings.PUBLIC_URL ?? this.kept.seat?.origin ?? "";
      const links = new Links(settings.FILES_SECRET, origin);
      const linkTo = (file: Parameters<Links["linkTo"]>[0]) => links.linkTo(file, Date.now());
      result = await handler
        .call({ rooms, settings, linkTo }, args)
        .catch((error) => ({ ok: false, error: unforeseen(error) }) as const);
    }
    if (packet.id !== undefined) this.send([packets.ackPacket(packet.id, result)]);
  }

  private scheduleHeartbeat(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + packets.PING_INTERVAL_MS);
  }

  private drop(): void {
    const { socket, polling, probe } = this;
    polling?.push([packets.CLOSE]);
    this.finish();
    for (const open of [socket, probe]) {
      if (!open) continue;
      // One that never answers the close stays among the object's sockets: nobody is to wake in it.
      open.serializeAttachment(null);
      close(open, 1000, "");
    }
  }

  private finish(): void {
    this.polling = undefined;
    this.probe = undefined;
    this.visit = undefined;
    this.decoder.destroy();
    this.over();
  }

  private newDecoder(): Decoder {
    const decoder = new Decoder();
    decoder.on("decoded", (packet: Packet) => this.decoded(packet));
    return decoder;
  }
}

function plain(payload: string): Response {
  return new Response(payload, { headers: { "Content-Type": "text/plain; charset=UTF-8" } });
}

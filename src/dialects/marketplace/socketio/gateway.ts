import { Buffer } from "node:buffer";
import { Decoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { z } from "zod";
import { Links } from "../../../attachments/links.ts";
import { actorOf, type ConnectionIdentity } from "../../../conversation/identity.ts";
import { ERRORS, fail, type Result } from "../../../domain/error.ts";
import type { Actor } from "../../../domain/policy.ts";
import { bearerOf, ensureUserKnownIn, verify } from "../../../edge/auth.ts";
import type { Env } from "../../../env.ts";
import { failedCall } from "../../../gateway/conversations.ts";
import { EventEncoder } from "../../../gateway/event-encoder.ts";
import type { EndReason, GatewayProtocol } from "../../../gateway/gateway.ts";
import { CHATS } from "../schemas.ts";
import { EngineGateway } from "./engine.ts";
import type { EngineRequest } from "./engine-request.ts";
import { HANDLERS } from "./events.ts";
import * as packets from "./packets.ts";
import { present, presentUpdate } from "./present.ts";

const SOCKET_IO: GatewayProtocol = {
  name: "socketio",
  heartbeat: [packets.PONG, packets.NOOP],
  encoder: new EventEncoder((event) =>
    present(event).map(([name, payload]) => packets.eventPacket(name, payload)),
  ),
  encodeRow: (row) => {
    const update = presentUpdate(row);
    return update && packets.eventPacket(...update);
  },
};

const auth = z.object({ token: z.string().max(8 * 1024 + 16) });

/** Stands for every attachment: binary data is refused, and not kept. */
const ATTACHMENT = Buffer.alloc(0);

/** A connection of a Socket.IO client: the default namespace, over either transport. */
export class SocketIoGateway extends EngineGateway {
  private isConnecting = false;
  /** Whether the packet that is being read has attachments. */
  private isBinary = false;
  private readonly decoder = this.newDecoder();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, SOCKET_IO);
  }

  /** The reference lets admins and resolvers into any chat, and has no channels. */
  protected actorOf(identity: ConnectionIdentity): Actor {
    return { ...actorOf(identity), reach: "staff", kinds: CHATS };
  }

  protected end(reason: EndReason): void {
    // After a disconnect by the server clients do not reconnect by themselves: they need a new token, or are
    // banned.
    // A poll may be answered with nothing else: clients would process the close first.
    const isFinal = reason === "expired" || reason === "banned";
    if (isFinal && this.socket) this.send([packets.DISCONNECT]);
    this.drop(isFinal ? packets.DISCONNECT : packets.CLOSE);
  }

  protected override message(data: unknown): void {
    try {
      if (typeof data === "string") this.isBinary = packets.isBinary(data);
      this.decoder.add(typeof data === "string" ? data : ATTACHMENT);
    } catch {
      this.drop();
    }
  }

  protected override finish(): void {
    this.decoder.destroy();
    super.finish();
  }

  private decoded(packet: Packet): void {
    // The parser accepts some that lack what their type needs.
    if (!isPacketValid(packet)) {
      this.drop();
      return;
    }
    switch (packet.type) {
      case PacketType.CONNECT:
        if (this.admit("command") === "accept") this.inBackground(this.authenticate(packet));
        break;
      case PacketType.EVENT:
        if (packet.nsp !== packets.NAMESPACE || !this.rooms) this.drop();
        else if (this.isActive()) this.inBackground(this.handle(packet, this.isBinary));
        break;
      case PacketType.ACK:
        // No event of ours asks for one.
        this.admit("command");
        break;
      default:
        this.drop();
    }
  }

  private async authenticate(packet: Packet): Promise<void> {
    if (packet.nsp !== packets.NAMESPACE) {
      this.send([packets.refused(packet.nsp, "Invalid namespace")]);
      return;
    }
    if (this.isConnecting || this.rooms || !this.opening) {
      this.drop();
      return;
    }
    this.isConnecting = true;
    const identity = await this.identityOf(this.opening, packet.data).catch((error: unknown) => {
      failedCall(error);
      return "unavailable" as const;
    });
    this.isConnecting = false;
    // The connection may have ended meanwhile.
    if (!this.opening) return;
    if (typeof identity === "string") {
      this.send([packets.refused(packets.NAMESPACE, ERRORS[identity][1], identity)]);
      return;
    }
    this.authenticated(identity);
    this.inBackground(ensureUserKnownIn(this.env, this.actorOf(identity)));
    this.send([packets.connected(this.ctx.id.name ?? "")]);
    await this.scheduleHeartbeat();
  }

  /** Whose token comes with the packet, or else came with the request that opened the connection. */
  private async identityOf(
    { seat: identity, origin }: EngineRequest,
    data: unknown,
  ): Promise<ConnectionIdentity | "unauthenticated" | "banned"> {
    const given = auth.safeParse(data);
    if (!given.success) return identity ? this.unlessBanned(identity) : "unauthenticated";
    const { token } = given.data;
    const verified = await verify(this.settings, bearerOf(token) ?? token);
    if (!verified) return "unauthenticated";
    const { userId, name, avatarUrl, role } = verified.actor;
    const { expiresAt } = verified;
    return this.unlessBanned({ userId, name, avatarUrl, role, expiresAt, origin });
  }

  private async unlessBanned(identity: ConnectionIdentity): Promise<ConnectionIdentity | "banned"> {
    return (await this.isBanned(identity)) ? "banned" : identity;
  }

  private async handle(packet: Packet, isBinary: boolean): Promise<void> {
    const [name, ...args]: unknown[] = packet.data;
    const handler = typeof name === "string" ? HANDLERS.get(name) : undefined;
    const admission = this.admit(handler?.limit ?? "command");
    const { rooms, settings } = this;
    const { seat } = this.kept;
    if (admission === "ignore" || !rooms || !seat) return;
    let result: Result<unknown>;
    if (admission === "refuse") {
      result = fail("rate_limited", { retryAfterMs: 1_000 });
    } else if (!handler) {
      result = fail("invalid_request", { message: "There is no such event; see docs." });
    } else if (isBinary) {
      result = fail("invalid_request", { message: "Binary data is not accepted; upload files." });
    } else {
      const origin = settings.PUBLIC_URL ?? seat.origin;
      const links = new Links(settings.FILES_SECRET, origin);
      const linkTo = (file: Parameters<Links["linkTo"]>[0]) => links.linkTo(file, Date.now());
      result = await handler
        .call({ rooms, settings, linkTo, inbox: this.inboxOf(seat) }, args)
        .catch((error) => ({ ok: false, error: failedCall(error) }) as const);
    }
    // The token may have expired meanwhile: then nothing more is sent.
    if (packet.id !== undefined && this.isActive()) {
      this.send([packets.ackPacket(packet.id, result)]);
    }
  }

  private newDecoder(): Decoder {
    const decoder = new Decoder();
    decoder.on("decoded", (packet: Packet) => this.decoded(packet));
    return decoder;
  }
}

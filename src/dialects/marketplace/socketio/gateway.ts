import { Buffer } from "node:buffer";
import { Decoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { z } from "zod";
import { Links } from "../../../attachments/links.ts";
import { actorOf, type ConnectionIdentity } from "../../../conversation/identity.ts";
import { ERRORS, fail, type Result } from "../../../domain/error.ts";
import type { Actor } from "../../../domain/policy.ts";
import { bearerOf, ensureUserKnownIn, verify } from "../../../edge/auth.ts";
import { unforeseen } from "../../../gateway/conversations.ts";
import type { EndReason } from "../../../gateway/gateway.ts";
import { CHATS } from "../schemas.ts";
import { EngineGateway, type Visit } from "./engine.ts";
import { HANDLERS } from "./events.ts";
import * as packets from "./packets.ts";

const auth = z.object({ token: z.string().max(8 * 1024 + 16) });

/** What stands for an attachment: nothing here takes any, and none is kept. */
const ATTACHMENT = Buffer.alloc(0);

/** A connection of a Socket.IO client: the default namespace, over whichever transport. */
export class SocketIoGateway extends EngineGateway {
  private connecting = false;
  /** Whether the packet that is being read has attachments. */
  private isBinary = false;
  private decoder = this.newDecoder();

  /** The reference lets admins and resolvers into any chat, and has no channels. */
  protected actorOf(seat: ConnectionIdentity): Actor {
    return { ...actorOf(seat), reach: "staff", kinds: CHATS };
  }

  protected end(why: EndReason): void {
    // After a disconnection by the server clients do not reconnect by themselves: they need a new token.
    // Nothing may come with it: clients would take the end of the connection in first.
    if (why === "expired" && this.socket) this.send([packets.DISCONNECT]);
    this.drop(why === "expired" ? packets.DISCONNECT : packets.CLOSE);
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
    // The parser lets some through that lack what their type needs.
    if (!isPacketValid(packet)) {
      this.drop();
      return;
    }
    switch (packet.type) {
      case PacketType.CONNECT:
        if (this.admit("command") === "accept") this.inBackground(this.introduce(packet));
        break;
      case PacketType.EVENT:
        if (packet.nsp !== packets.NAMESPACE || !this.rooms) this.drop();
        else if (this.isActive()) this.inBackground(this.handle(packet, this.isBinary));
        break;
      case PacketType.ACK:
        // Nothing of ours asks for one.
        this.admit("command");
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
    this.authenticated(seated);
    this.inBackground(ensureUserKnownIn(this.env, this.actorOf(seated)));
    this.send([packets.connected(this.ctx.id.name ?? "")]);
    await this.scheduleHeartbeat();
  }

  private async seatOf(
    { seat, origin }: Visit,
    data: unknown,
  ): Promise<ConnectionIdentity | "unauthenticated"> {
    const given = auth.safeParse(data);
    if (!given.success) return seat ?? "unauthenticated";
    const { token } = given.data;
    const verified = await verify(this.settings, bearerOf(token) ?? token);
    if (!verified) return "unauthenticated";
    const { userId, name, avatarUrl, role } = verified.actor;
    return { userId, name, avatarUrl, role, expiresAt: verified.expiresAt, origin };
  }

  private async handle(packet: Packet, isBinary: boolean): Promise<void> {
    const [name, ...args]: unknown[] = packet.data;
    const handler = typeof name === "string" ? HANDLERS.get(name) : undefined;
    const admission = this.admit(handler?.limit ?? "command");
    const { rooms, settings } = this;
    if (admission === "ignore" || !rooms) return;
    let result: Result<unknown>;
    if (admission === "refuse") {
      result = fail("rate_limited", { retryAfterMs: 1_000 });
    } else if (!handler) {
      result = fail("invalid_request", { message: "There is no such event; see docs." });
    } else if (isBinary) {
      result = fail("invalid_request", { message: "Binary data is not accepted; upload files." });
    } else {
      const origin = settings.PUBLIC_URL ?? this.kept.seat?.origin ?? "";
      const links = new Links(settings.FILES_SECRET, origin);
      const linkTo = (file: Parameters<Links["linkTo"]>[0]) => links.linkTo(file, Date.now());
      result = await handler
        .call({ rooms, settings, linkTo }, args)
        .catch((error) => ({ ok: false, error: unforeseen(error) }) as const);
    }
    // Of a connection whose token expired meanwhile nothing is told any more.
    if (packet.id !== undefined && this.isActive())
      this.send([packets.ackPacket(packet.id, result)]);
  }

  private newDecoder(): Decoder {
    const decoder = new Decoder();
    decoder.on("decoded", (packet: Packet) => this.decoded(packet));
    return decoder;
  }
}

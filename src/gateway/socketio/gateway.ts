import { Decoder, isPacketValid, type Packet, PacketType } from "socket.io-parser";
import { z } from "zod";
import { Links } from "../../attachments/links.ts";
import { actorOf, type Seat } from "../../conversation/seat.ts";
import { chatError, ERRORS, type Result } from "../../domain/error.ts";
import type { Actor } from "../../domain/policy.ts";
import { acquaint, bearerOf, verify } from "../../rest/auth.ts";
import { CHATS } from "../../rest/marketplace/schemas.ts";
import { unforeseen } from "../conversations.ts";
import type { Ending } from "../gateway.ts";
import type { Told } from "../told.ts";
import { EngineGateway, type Visit } from "./engine.ts";
import { type Desk, HANDLERS } from "./events.ts";
import * as packets from "./packets.ts";
import { present } from "./present.ts";

const auth = z.object({ token: z.string().max(8 * 1024 + 16) });

/** A connection of a Socket.IO client: the default namespace, over whichever transport. */
export class SocketIoGateway extends EngineGateway {
  private connecting = false;
  private decoder = this.newDecoder();

  /** The reference lets admins and resolvers into any chat, and has no channels. */
  protected actorOf(seat: Seat): Actor {
    return { ...actorOf(seat), reach: "staff", kinds: CHATS };
  }

  protected present(told: Told): string[] {
    return present(told).map(([name, payload]) => packets.eventPacket(name, payload));
  }

  protected end(why: Ending): void {
    // After a disconnection by the server clients do not reconnect by themselves: they need a new token.
    // Nothing may come with it: clients would take the end of the connection in first.
    if (why === "expired" && this.socket) this.send([packets.DISCONNECT]);
    this.drop(why === "expired" ? packets.DISCONNECT : packets.CLOSE);
  }

  protected override message(data: unknown): void {
    try {
      this.decoder.add(data);
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
    await this.scheduleHeartbeat();
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
    } else {
      const origin = settings.PUBLIC_URL ?? this.kept.seat?.origin ?? "";
      const links = new Links(settings.FILES_SECRET, origin);
      const linkTo = (file: Parameters<Links["linkTo"]>[0]) => links.linkTo(file, Date.now());
      const spend: Desk["spend"] = (limit, chatId) => this.spend(limit, chatId);
      result = await handler({ rooms, settings, linkTo, spend }, args).catch(
        (error) => ({ ok: false, error: unforeseen(error) }) as const,
      );
    }
    // Of a connection whose token expired meanwhile nothing is told any more.
    if (packet.id !== undefined && this.attends())
      this.send([packets.ackPacket(packet.id, result)]);
  }

  private newDecoder(): Decoder {
    const decoder = new Decoder();
    decoder.on("decoded", (packet: Packet) => this.decoded(packet));
    return decoder;
  }
}

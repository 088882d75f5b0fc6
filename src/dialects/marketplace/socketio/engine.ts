import { decodePacket, type Packet as EnginePacket } from "engine.io-parser";
import { z } from "zod";
import { IDENTITY_HEADER } from "../../../conversation/api.ts";
import { identitySchema } from "../../../conversation/identity.ts";
import { close } from "../../../conversation/outbound/sockets/socket.ts";
import type { Env } from "../../../env.ts";
import { EventEncoder } from "../../../gateway/event-encoder.ts";
import { Gateway, type GatewayProtocol } from "../../../gateway/gateway.ts";
import { tooLarge } from "../../../live/frames.ts";
import { MAX_FRAME_BYTES } from "../../../live/version.ts";
import { engineRefusal } from "./errors.ts";
import * as packets from "./packets.ts";
import { Polling } from "./polling.ts";
import { present } from "./present.ts";

const SOCKET_IO: GatewayProtocol = {
  name: "socketio",
  heartbeat: [packets.PONG, packets.NOOP],
  encoder: new EventEncoder((event) =>
    present(event).map(([name, payload]) => packets.eventPacket(name, payload)),
  ),
};

/** What the Worker tells of a request: never taken from a client. */
export const visit = z.object({
  /** The connection's id, as the client knows it. */
  id: z.string(),
  /** Whether it has just been given. */
  fresh: z.boolean(),
  /** Whose token came with the request, if one did. */
  seat: identitySchema.nullable(),
  origin: z.string(),
});
export type Visit = z.infer<typeof visit>;

/**
 * Engine.IO (protocol 4): a connection over long polling, a socket, or the one and then the other, and
 * its heartbeat. What its messages mean is Socket.IO's.
 */
export abstract class EngineGateway extends Gateway {
  private polling: Polling | undefined;
  /** How it ended, for a client that was between two polls then. */
  private farewell = "";
  /** A socket that is to take over from polling. */
  private probe: WebSocket | undefined;
  protected visit: Visit | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, SOCKET_IO);
  }

  /** A message has come; what is in it is Socket.IO's. */
  protected abstract message(data: unknown): void;

  /** Engine.IO's requests, as the Worker lets them through. */
  override async fetch(request: Request): Promise<Response> {
    const header = request.headers.get(IDENTITY_HEADER);
    const said = visit.parse(JSON.parse(decodeURIComponent(header ?? "null")));
    const isUpgrade = request.headers.get("Upgrade") === "websocket";
    if (said.fresh) return this.begin(said, isUpgrade);
    const isPoll = !isUpgrade && request.method !== "POST";
    if (this.polling) this.noteActivity();
    // A poll may be all that comes of a client: its end would never be noticed otherwise.
    if (isPoll && this.rooms) this.isActive();
    if (!this.polling) return isPoll ? this.ended() : engineRefusal("unknownSession");
    if (isUpgrade) return this.probe ? engineRefusal("badRequest") : this.accept("pending");
    return isPoll ? this.give(this.polling) : this.take(request);
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
      this.noteActivity();
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

  /**
   * The heartbeat: pongs of a socket are answered while the object sleeps, and looked at here. Who polls
   * is pinged as well: their polls may all be answered with something else, and clients wait for a ping.
   */
  override async alarm(): Promise<void> {
    if (!this.isActive()) return this.forget();
    this.send([packets.PING]);
    await this.scheduleHeartbeat();
  }

  protected override opened(socket: WebSocket): void {
    if (this.polling) {
      this.probe = socket;
      return;
    }
    this.socket = socket;
    this.keep({ stage: "open", heardAt: Date.now() });
  }

  protected override send(messages: readonly string[]): void {
    try {
      if (this.socket) for (const message of messages) this.socket.send(message);
      else if (this.polling && !this.polling.push(messages)) this.drop();
    } catch {
      this.drop();
    }
  }

  protected override drained(): Promise<void> | undefined {
    return this.polling?.empty();
  }

  private begin(said: Visit, isUpgrade: boolean): Response {
    if (this.visit) return engineRefusal("badRequest");
    this.visit = said;
    this.noteActivity();
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

  /** A session that is over: how it ended, once, and then that nobody knows it. */
  private ended(): Response {
    const { farewell } = this;
    this.farewell = "";
    return farewell === "" ? engineRefusal("unknownSession") : plain(farewell);
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
    // What makes the upgrade comes once, and right behind what was posted: without it client and server
    // would go on by different transports.
    const isStep = data === packets.UPGRADE || (data === packets.PROBE && !polling?.upgrading);
    if (!(polling && isStep) && this.admit("command") !== "accept") return;
    if (data === packets.PROBE && polling) {
      socket.send(packets.PROBE_ANSWER);
      polling.upgrade();
    } else if (data === packets.UPGRADE && polling) {
      this.probe = undefined;
      this.polling = undefined;
      this.socket = socket;
      this.keep({ stage: "open", heardAt: Date.now() });
      this.send(polling.drain());
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
        this.message(packet.data);
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
        // They mean nothing here, and come now and then.
        this.admit("command");
        break;
    }
  }

  protected scheduleHeartbeat(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + packets.PING_INTERVAL_MS);
  }

  /** Ends the connection; `word` is all that a client that polls is told any more. */
  protected drop(word = packets.CLOSE): void {
    const { socket, polling, probe } = this;
    this.farewell = polling?.end(word) ?? this.farewell;
    this.finish();
    for (const open of [socket, probe]) {
      if (!open) continue;
      // One that never answers the close stays among the object's sockets: nobody is to wake in it.
      open.serializeAttachment(null);
      close(open, 1000, "");
    }
  }

  /** An alarm leaves something in storage, and so would every connection that there ever was. */
  private forget(): Promise<void> {
    return this.ctx.storage.deleteAll();
  }

  protected finish(): void {
    // Only of somebody who said who they are is anything stored.
    if (this.kept.seat) this.inBackground(this.forget());
    // Whoever waits until the client has taken it need not wait any more.
    this.polling?.drain();
    this.polling = undefined;
    this.probe = undefined;
    this.visit = undefined;
    this.closed();
  }
}

function plain(payload: string): Response {
  return new Response(payload, { headers: { "Content-Type": "text/plain; charset=UTF-8" } });
}

import { decodePacket, type Packet as EnginePacket } from "engine.io-parser";
import { close } from "../../../conversation/outbound/sockets/socket.ts";
import { Gateway } from "../../../gateway/gateway.ts";
import { tooLarge } from "../../../live/frames.ts";
import { MAX_FRAME_BYTES } from "../../../live/version.ts";
import { type EngineRequest, engineRequestOf } from "./engine-request.ts";
import { engineRefusal } from "./errors.ts";
import * as packets from "./packets.ts";
import { Polling } from "./polling.ts";

/**
 * Engine.IO (protocol 4): a connection by long polling, by a socket, or by polling that is upgraded to a
 * socket, and its heartbeat. Its messages are Socket.IO's packets.
 */
export abstract class EngineGateway extends Gateway {
  private polling: Polling | undefined;
  /** The answer to the next poll of a client whose connection ended between two polls. */
  private lastPayload = "";
  /** A socket that is to replace polling. */
  private probe: WebSocket | undefined;
  /** The request that opened the connection; absent once it has ended. */
  protected opening: EngineRequest | undefined;

  /** Takes a packet of Socket.IO's: text, or an attachment. */
  protected abstract message(data: unknown): void;

  /** Engine.IO's requests, as the Worker passes them on. */
  override async fetch(request: Request): Promise<Response> {
    const engineRequest = engineRequestOf(request);
    const isUpgrade = request.headers.get("Upgrade") === "websocket";
    if (engineRequest.fresh) return this.open(engineRequest, isUpgrade);
    const isPoll = !isUpgrade && request.method !== "POST";
    if (this.polling) this.noteActivity();
    // A client may send nothing but polls: an expired token would not be noticed otherwise.
    if (isPoll && this.rooms) this.isActive();
    if (!this.polling) return isPoll ? this.afterEnd() : engineRefusal("unknownSession");
    if (isUpgrade) return this.probe ? engineRefusal("badRequest") : this.accept("pending");
    return isPoll ? this.answerPoll(this.polling) : this.receivePost(request);
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    if (typeof data === "string" ? tooLarge(data) : data.byteLength > MAX_FRAME_BYTES) {
      if (socket === this.socket) this.drop();
      else close(socket, 1009, "too large");
      return;
    }
    if (socket === this.probe) {
      this.receiveProbe(socket, data);
    } else if (socket === this.socket) {
      this.noteActivity();
      this.receive(decodePacket(data, "nodebuffer"));
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.restoreClosed(socket);
    if (socket === this.socket) this.finish();
    if (socket === this.probe) this.cancelUpgrade();
    // 1005 and 1006 say that there was no code; they cannot be sent.
    close(socket, code === 1005 || code === 1006 ? 1000 : code, "");
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  /**
   * The heartbeat: a socket's pongs are answered while the object hibernates, and checked here. Clients that
   * poll are pinged as well: their polls may all be answered with something else, and they expect a ping.
   */
  override async alarm(): Promise<void> {
    if (!this.isActive()) return this.deleteStorage();
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

  private open(engineRequest: EngineRequest, isUpgrade: boolean): Response {
    if (this.opening) return engineRefusal("badRequest");
    this.opening = engineRequest;
    this.noteActivity();
    this.awaitHandshake(() => this.drop());
    if (isUpgrade) {
      const response = this.accept("open");
      this.send([packets.openPacket(engineRequest.id, [])]);
      return response;
    }
    this.polling = new Polling();
    return plain(packets.openPacket(engineRequest.id, ["websocket"]));
  }

  private async answerPoll(polling: Polling): Promise<Response> {
    const payload = polling.poll();
    if (!payload) {
      this.drop();
      return engineRefusal("badRequest");
    }
    return plain(await payload);
  }

  /** The answer to a poll of a connection that has ended: how, once, and then that it is unknown. */
  private afterEnd(): Response {
    const { lastPayload } = this;
    this.lastPayload = "";
    return lastPayload === "" ? engineRefusal("unknownSession") : plain(lastPayload);
  }

  private async receivePost(request: Request): Promise<Response> {
    for (const packet of packets.packetsOf(await request.text())) {
      if (!this.polling) break;
      if (packet.type === "error") {
        this.drop();
        return engineRefusal("badRequest");
      }
      this.receive(packet);
    }
    return plain("ok");
  }

  /** Takes what a socket sends that is to replace polling: a probe, and then the upgrade. */
  private receiveProbe(socket: WebSocket, data: string | ArrayBuffer): void {
    const { polling } = this;
    // The two steps of an upgrade are not counted: if one of them were ignored, client and server would
    // continue on different transports.
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
      this.cancelUpgrade();
      close(socket, 1000, "");
    }
  }

  /** No socket replaces polling, which continues. */
  private cancelUpgrade(): void {
    this.probe = undefined;
    if (this.polling) this.polling.upgrading = false;
  }

  private receive(packet: EnginePacket): void {
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
        // They mean nothing here, and are sent now and then.
        this.admit("command");
        break;
    }
  }

  protected scheduleHeartbeat(): Promise<void> {
    return this.ctx.storage.setAlarm(Date.now() + packets.PING_INTERVAL_MS);
  }

  /** Ends the connection; `lastPacket` is all that a client that polls still receives. */
  protected drop(lastPacket = packets.CLOSE): void {
    const { socket, polling, probe } = this;
    this.lastPayload = polling?.end(lastPacket) ?? this.lastPayload;
    this.finish();
    for (const open of [socket, probe]) {
      if (!open) continue;
      // One that never answers the close stays among the object's sockets: it must not be restored.
      open.serializeAttachment(null);
      close(open, 1000, "");
    }
  }

  /** An alarm leaves a file of storage behind, which would stay for every connection that ever was. */
  private deleteStorage(): Promise<void> {
    return this.ctx.storage.deleteAll();
  }

  protected finish(): void {
    // Only authenticated connections have set an alarm.
    if (this.kept.seat) this.inBackground(this.deleteStorage());
    // Nothing waits any longer until the client has taken what it was sent.
    this.polling?.drain();
    this.polling = undefined;
    this.probe = undefined;
    this.opening = undefined;
    this.closed();
  }
}

function plain(payload: string): Response {
  return new Response(payload, { headers: { "Content-Type": "text/plain; charset=UTF-8" } });
}

import { DurableObject } from "cloudflare:workers";

/** (a) The lower bound: each frame is sent to every socket, without storing or parsing. */
export class Floor extends DurableObject {
  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(_: WebSocket, frame: string): void {
    for (const socket of this.ctx.getWebSockets()) socket.send(frame);
  }
}

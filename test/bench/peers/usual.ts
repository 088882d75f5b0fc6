import { DurableObject } from "cloudflare:workers";

/**
 * (b) The usual chat in a Durable Object, as in the platform's own example: each message gets a
 * time, is stored under it, and is sent to every socket.
 */
export class Usual extends DurableObject {
  private lastTime = 0;

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(_: WebSocket, frame: string): Promise<void> {
    const { id, content } = JSON.parse(frame);
    this.lastTime = Math.max(Date.now(), this.lastTime + 1);
    const message = JSON.stringify({ id, content, time: this.lastTime });
    await this.ctx.storage.put(new Date(this.lastTime).toISOString(), message);
    for (const socket of this.ctx.getWebSockets()) socket.send(message);
  }
}

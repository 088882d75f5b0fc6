import { DurableObject } from "cloudflare:workers";

/**
 * (b) The usual chat in a Durable Object, as the platform's own example has it: a message at a time is
 * given its time, stored under it, and sent to every socket.
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

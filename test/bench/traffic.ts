import { WebSocket } from "ws";
import { parseMessageId } from "../../src/domain/id.ts";
import { contentOf, parley } from "./dialects.ts";

/** Senders in many conversations, and one person who follows all of them. */
export class Traffic {
  private readonly senders: { socket: WebSocket; conversationId: string }[] = [];
  /** The newest message number of each conversation, as its sender and as the person knows it. */
  private readonly sent = new Map<string, number>();
  private readonly seen = new Map<string, number>();
  private nextId = 1;
  private inFlight = 0;
  private changed: () => void = () => undefined;

  /** Opens the socket of somebody who sends to a conversation. */
  async join(conversationId: string, url: string, token: string): Promise<void> {
    const socket = await opened(url, token, (event) => {
      if (event.type === "error") throw new Error(`refused: ${JSON.stringify(event)}`);
      if (event.type !== "ack") return;
      this.inFlight--;
      this.sent.set(conversationId, parseMessageId(event.messageId ?? "")?.number ?? 0);
      this.changed();
    });
    this.senders.push({ socket, conversationId });
  }

  /** Opens a socket of the person: of one conversation, or of their inbox. */
  async watch(url: string, token: string, conversationId?: string): Promise<void> {
    const see = (id: string, number: number) => {
      this.seen.set(id, Math.max(number, this.seen.get(id) ?? 0));
      this.changed();
    };
    await opened(url, token, (event) => {
      if (event.type === "message" && conversationId) {
        see(conversationId, event.message?.number ?? 0);
      }
      for (const row of event.rows ?? []) see(row.conversationId, row.lastNumber ?? 0);
    });
  }

  /** Keeps `count` messages in flight for `ms` milliseconds, until the person knows of the newest ones. */
  async load(count: number, ms: number): Promise<{ messages: number; ms: number }> {
    const began = performance.now();
    const firstId = this.nextId;
    await new Promise<void>((resolve) => {
      this.changed = () => {
        const isOver = performance.now() - began >= ms;
        while (!isOver && this.inFlight < count) this.send();
        if (isOver && this.inFlight === 0 && this.isSeen()) resolve();
      };
      this.changed();
    });
    return { messages: this.nextId - firstId, ms: performance.now() - began };
  }

  private isSeen(): boolean {
    return [...this.sent].every(([id, number]) => (this.seen.get(id) ?? 0) >= number);
  }

  private send(): void {
    const id = this.nextId++;
    this.inFlight++;
    const { socket } = this.senders[id % this.senders.length] ?? {};
    socket?.send(JSON.stringify({ op: "send", id, content: contentOf(id) }));
  }
}

/** What is read of an event. */
interface Event {
  type: string;
  messageId?: string;
  message?: { number: number };
  rows?: { conversationId: string; lastNumber?: number }[];
}

/** Opens a socket, and resolves with its first frame. */
async function opened(
  url: string,
  token: string,
  onEvent: (event: Event) => void,
): Promise<WebSocket> {
  const { protocols, ping = "" } = parley(token);
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(ping), 25_000).unref();
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      const frame = data.toString();
      if (frame === "pong") return;
      for (const line of frame.split("\n")) onEvent(JSON.parse(line));
      resolve();
    });
  });
  return socket;
}

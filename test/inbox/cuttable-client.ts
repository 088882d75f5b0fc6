import { exports } from "cloudflare:workers";
import { onTestFinished } from "vitest";
import type { SocketLike } from "../../src/client/connection.ts";
import { Parley } from "../../src/client/parley.ts";
import { type Caller, ORIGIN } from "../support.ts";

type Type = "open" | "message" | "close" | "error";

/** A socket of the Worker, as browsers have them: it opens later. */
class WorkerSocket implements SocketLike {
  readyState = 0;
  private socket: WebSocket | undefined;
  private readonly listeners: { [Name in Type]?: (event: never) => void } = {};

  constructor(url: string, protocols: string[]) {
    void this.open(url, protocols);
  }

  addEventListener(type: Type, listener: (event: never) => void): void {
    this.listeners[type] = listener;
  }

  send(data: string): void {
    this.socket?.send(data);
  }

  close(): void {
    this.readyState = 3;
    this.socket?.close(1_000);
  }

  /** Ends it as a lost network does: the client hears of it, and the server of nothing more. */
  cut(): void {
    this.ended({ code: 1_006, reason: "cut" });
    this.socket?.close(1_001);
  }

  private async open(url: string, protocols: string[]): Promise<void> {
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocols.join(", ") };
    const address = url.replace(/^ws/, "http");
    const { webSocket } = await exports.default.fetch(new Request(address, { headers }));
    if (!webSocket || this.readyState !== 0) return;
    this.socket = webSocket;
    webSocket.accept();
    this.readyState = 1;
    this.listeners.open?.({} as never);
    webSocket.addEventListener("message", ({ data }) => {
      if (this.readyState === 1) this.listeners.message?.({ data } as never);
    });
    webSocket.addEventListener("close", ({ code, reason }) => this.ended({ code, reason }));
  }

  private ended(close: { code: number; reason: string }): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.listeners.close?.(close as never);
  }
}

/** The client of a person, whose sockets the test can cut. */
export function clientOf(person: Caller) {
  const sockets: WorkerSocket[] = [];
  const parley = new Parley({
    url: ORIGIN,
    token: () => person.token,
    fetch: (input, init) => exports.default.fetch(new Request(input, init)),
    openSocket: (url, protocols) => {
      const socket = new WorkerSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
  const inbox = parley.inbox();
  onTestFinished(() => inbox.close());
  /** Cuts everything that is open. */
  const cut = () => {
    for (const socket of sockets) if (socket.readyState < 3) socket.cut();
  };
  const open = () => sockets.filter(({ readyState }) => readyState < 3).length;
  return { parley, inbox, cut, open };
}

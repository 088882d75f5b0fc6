import type { Deployment } from "./deployment.ts";

/** WebSockets of Node, which has them since version 22. */

/** How long a socket may take to say what is waited for. */
const PATIENCE_MS = 10_000;
const PROTOCOL = "parley.v1";

/** The code with which the server closes a socket; 1006 if there is none, `undefined` without WebSockets. */
export async function closeCodeOf(
  deployment: Deployment,
  path: string,
): Promise<number | undefined> {
  const socket = opened(deployment, path);
  if (!socket) return undefined;
  return await new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(1006);
      socket.close();
    }, PATIENCE_MS);
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** A socket whose frames can be waited for. */
export class Listening {
  private readonly socket: WebSocket;
  private readonly frames: string[] = [];
  private ended: number | undefined;
  private wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.frames.push(...String(data).split("\n"));
      this.wake();
    });
    socket.addEventListener("close", ({ code }) => {
      this.ended = code;
      this.wake();
    });
  }

  /** `undefined` where Node has no WebSockets. */
  static to(deployment: Deployment, path: string): Listening | undefined {
    const socket = opened(deployment, path);
    return socket && new Listening(socket);
  }

  /** Resolves once a frame contains all of these texts: `undefined`, or why that does not come. */
  async hears(...texts: string[]): Promise<string | undefined> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      if (this.frames.some((frame) => texts.every((text) => frame.includes(text))))
        return undefined;
      if (this.ended !== undefined) return `it was closed with ${this.ended}`;
      const left = deadline - Date.now();
      if (left <= 0) return `nothing came within ${PATIENCE_MS / 1_000} s`;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.socket.close();
  }
}

function opened({ origin, token }: Deployment, path: string): WebSocket | undefined {
  if (typeof WebSocket === "undefined") return undefined;
  const url = new URL(path, origin.replace(/^http/, "ws"));
  return new WebSocket(url, token ? [PROTOCOL, `bearer.${token}`] : [PROTOCOL]);
}

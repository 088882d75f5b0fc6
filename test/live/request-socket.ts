import { exports } from "cloudflare:workers";
import { onTestFinished } from "vitest";
import { ORIGIN, Socket } from "../support.ts";

/** Requests a socket with exactly these headers, and closes it when the test ends. */
export async function requestSocket(
  path: string,
  headers: Record<string, string> = {},
): Promise<Socket> {
  const request = new Request(ORIGIN + path, { headers: { Upgrade: "websocket", ...headers } });
  const socket = new Socket(await exports.default.fetch(request));
  onTestFinished(() => socket.close());
  return socket;
}

import { decodePacket, type Packet as EnginePacket, encodePacket } from "engine.io-parser";
import { Encoder, type Packet, PacketType } from "socket.io-parser";
import type { ChatError, Result } from "../../../domain/error.ts";
import { MAX_MESSAGES } from "../../../gateway/limits.ts";
import { MAX_FRAME_BYTES } from "../../../live/version.ts";

/** Encoding of packets: Socket.IO's (protocol 5) within Engine.IO's (protocol 4). */

/** How often the server pings; a client that receives nothing for both together closes the connection. */
export const PING_INTERVAL_MS = 50_000;
export const PING_TIMEOUT_MS = 40_000;

/** The only namespace. */
export const NAMESPACE = "/";
export const PING = "2";
export const PONG = "3";
export const CLOSE = "1";
export const NOOP = "6";
export const PROBE = "2probe";
export const PROBE_ANSWER = "3probe";
export const UPGRADE = "5";
/** Separates the packets of a request or its answer. */
export const SEPARATOR = "\x1e";

const encoder = new Encoder();

/** The first packet of a connection. */
export function openPacket(sid: string, upgrades: string[]): string {
  const pingInterval = PING_INTERVAL_MS;
  const pingTimeout = PING_TIMEOUT_MS;
  const open = { sid, upgrades, pingInterval, pingTimeout, maxPayload: MAX_FRAME_BYTES };
  return `0${JSON.stringify(open)}`;
}

export function connected(sid: string): string {
  return encoded({ type: PacketType.CONNECT, nsp: NAMESPACE, data: { sid } });
}

/** Refuses a client as a middleware of Socket.IO's does. */
export function refused(nsp: string, message: string, code?: string): string {
  const data = { message, ...(code && { data: { code } }) };
  return encoded({ type: PacketType.CONNECT_ERROR, nsp, data });
}

export const DISCONNECT = encoded({ type: PacketType.DISCONNECT, nsp: NAMESPACE });

export function eventPacket(name: string, payload: unknown): string {
  return encoded({ type: PacketType.EVENT, nsp: NAMESPACE, data: [name, payload] });
}

/** Answers an event whose client asked for an acknowledgement. */
export function ackPacket(id: number, result: Result<unknown>): string {
  const answer = result.ok ? { success: true, data: result.value } : failure(result.error);
  return encoded({ type: PacketType.ACK, nsp: NAMESPACE, id, data: [answer] });
}

function failure({ message, code, details, retryAfterMs }: ChatError) {
  return {
    success: false,
    error: message,
    code,
    ...(details && { details }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/**
 * The packets of a request. One that cannot be read is Engine.IO's `error`; so is a whole request of more
 * than {@link MAX_MESSAGES}.
 */
export function* packetsOf(payload: string): Generator<EnginePacket> {
  const encoded = payload.split(SEPARATOR, MAX_MESSAGES + 1);
  if (encoded.length > MAX_MESSAGES) yield { type: "error" };
  else for (const packet of encoded) yield decodePacket(packet, "nodebuffer");
}

/** Whether attachments follow the text of a packet of Socket.IO's. */
export function isBinary(text: string): boolean {
  const type = Number(text.charAt(0));
  return type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK;
}

function encoded(packet: Packet): string {
  const [data, ...attachments] = encoder.encode(packet);
  // Clients take a packet without its attachments for a broken connection.
  if (attachments.length > 0) throw new Error("no event of ours has binary data");
  let text = "";
  // Text is encoded synchronously.
  encodePacket({ type: "message", data }, false, (encoded) => {
    text = encoded;
  });
  return text;
}

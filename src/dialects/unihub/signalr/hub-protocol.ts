import { z } from "zod";
import { MAX_MESSAGES } from "../../../gateway/limits.ts";

/**
 * SignalR's JSON hub protocol, versions 1 and 2, as a server reads and writes it:
 * https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
 */

/** Ends every message. */
const SEPARATOR = "\x1e";
/** They are equal where no stateful reconnect is negotiated. */
const VERSIONS = [1, 2];

const TYPE = { invocation: 1, completion: 3, streamInvocation: 4, ping: 6, close: 7 } as const;

const id = z.string().min(1).max(128);
const handshakeRequest = z.object({ protocol: z.string().max(64), version: z.number() });
const invocation = z.object({
  target: z.string().min(1).max(128),
  invocationId: id.nullish(),
  arguments: z.array(z.unknown()).max(16),
  streamIds: z.array(id).max(16).nullish(),
});
const typed = z.object({ type: z.number() });

export type HubMessage =
  | { type: "invocation"; target: string; id: string | undefined; arguments: unknown[] }
  /** A stream is requested or offered; no method of the hub has one. */
  | { type: "stream"; target: string; id: string | undefined }
  | { type: "ping" }
  | { type: "close" }
  /** Of a type that has no meaning here. */
  | { type: "other" };

/** What was read, or what is wrong with it, for the client. */
export type Read<T> = { ok: true; value: T } | { ok: false; error: string };

/** Reads the first message of a connection; `rest` follows it. */
export function readHandshake(text: string): Read<{ rest: string }> {
  const end = text.indexOf(SEPARATOR);
  const parsed = handshakeRequest.safeParse(end < 0 ? undefined : jsonOf(text.slice(0, end)));
  if (!parsed.success) return { ok: false, error: "The handshake request cannot be read." };
  const { protocol, version } = parsed.data;
  if (protocol !== "json") {
    return { ok: false, error: `The protocol '${protocol}' is not supported.` };
  }
  if (!VERSIONS.includes(version)) {
    const error = `The server does not support version ${version} of the 'json' protocol.`;
    return { ok: false, error };
  }
  return { ok: true, value: { rest: text.slice(end + 1) } };
}

/** Reads a frame: whole messages of the protocol, at most {@link MAX_MESSAGES}. */
export function readMessages(text: string): Read<HubMessage[]> {
  if (!text.endsWith(SEPARATOR)) return { ok: false, error: "A message is incomplete." };
  const messages: HubMessage[] = [];
  const records = text.slice(0, -1).split(SEPARATOR, MAX_MESSAGES + 1);
  if (records.length > MAX_MESSAGES) return { ok: false, error: "There are too many messages." };
  for (const record of records) {
    const value = jsonOf(record);
    const type = typed.safeParse(value);
    if (!type.success) return { ok: false, error: "A message cannot be read." };
    switch (type.data.type) {
      case TYPE.invocation:
      case TYPE.streamInvocation: {
        const parsed = invocation.safeParse(value);
        if (!parsed.success) return { ok: false, error: "An invocation cannot be read." };
        const { target, invocationId, streamIds } = parsed.data;
        const head = { target, id: invocationId ?? undefined };
        const streams = type.data.type === TYPE.streamInvocation || streamIds?.length;
        messages.push(
          streams
            ? { type: "stream", ...head }
            : { type: "invocation", ...head, arguments: parsed.data.arguments },
        );
        break;
      }
      case TYPE.ping:
        messages.push({ type: "ping" });
        break;
      case TYPE.close:
        messages.push({ type: "close" });
        break;
      default:
        messages.push({ type: "other" });
    }
  }
  return { ok: true, value: messages };
}

function written(message: object): string {
  return JSON.stringify(message) + SEPARATOR;
}

/** The keep-alive, of either side. */
export const PING = written({ type: TYPE.ping });

export function handshakeAnswer(error?: string): string {
  return written(error === undefined ? {} : { error });
}

/** A call of the client's method. */
export function callOf(target: string, argument: unknown): string {
  return written({ type: TYPE.invocation, target, arguments: [argument] });
}

export function resultOf(invocationId: string, result: unknown): string {
  return written({ type: TYPE.completion, invocationId, result });
}

export function failureOf(invocationId: string, error: string): string {
  return written({ type: TYPE.completion, invocationId, error });
}

/** The last message: why, and whether a client that reconnects by itself may. */
export function closeOf(error: string, allowReconnect: boolean): string {
  return written({ type: TYPE.close, error, ...(allowReconnect && { allowReconnect }) });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

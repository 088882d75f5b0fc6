import type { Kind } from "./conversation.ts";
import type { Notification, Reason } from "./notification.ts";
import { truncated } from "./text.ts";

/** What a push message says, encrypted for one browser (RFC 8291). */

/**
 * Bytes of every push message's plain text, padded, so that its size says nothing about its content.
 * Encrypted it has 103 more: Firefox on Android accepts 3,070, and other services 4,096.
 */
export const PAYLOAD_BYTES = 2_560;
/** Code points of a conversation's title, and of a name, that are shown. */
const SHOWN_NAME_LENGTH = 64;

/** The JSON that a service worker receives. Fields may be added. */
export interface PushPayload {
  /** The same for every attempt and device. */
  id: string;
  conversationId: string;
  /** Whose it is: several people may use one browser. */
  userId: string;
  kind: Kind;
  /** Ready to be shown, like `body`, which may be empty. */
  title: string;
  body: string;
  senderName?: string;
  reason: Reason;
  unread: number;
  /** Unread messages of all conversations, where known. */
  total?: number;
  url: string;
  /** A newer notification of the same tag replaces an older one. */
  tag: string;
  /** Conversations whose notifications are to be closed: they were read. */
  read: string[];
  /** ISO 8601; of the message, absent where the preview is off. */
  createdAt?: string;
}

/** The payload of a notification: without a preview it says only that there is a message. */
export function pushPayloadOf(notification: Notification): PushPayload {
  const { conversation, message, reason, unread, total } = notification;
  const name = shortened(message?.senderName ?? "", SHOWN_NAME_LENGTH);
  return {
    id: notification.id,
    conversationId: conversation.id,
    userId: notification.userId,
    kind: conversation.kind,
    ...shown(conversation, message, name),
    ...(name !== "" && { senderName: name }),
    reason,
    unread,
    ...(total !== undefined && { total }),
    url: notification.url,
    tag: conversation.id,
    read: notification.read,
    ...(message && { createdAt: new Date(message.createdAt).toISOString() }),
  };
}

function shown(
  { kind, title }: Notification["conversation"],
  message: Notification["message"],
  name: string,
): Pick<PushPayload, "title" | "body"> {
  if (!message) return { title: "New message", body: "" };
  const content = message.text === "" ? filesOf(message.attachments) : message.text.toWellFormed();
  const named = kind === "direct" ? "" : shortened(title ?? "", SHOWN_NAME_LENGTH);
  if (named === "") return { title: name || "New message", body: content };
  return { title: named, body: name === "" ? content : `${name}: ${content}` };
}

function filesOf(count: number): string {
  if (count === 0) return "";
  return count === 1 ? "Sent a file" : `Sent ${count} files`;
}

function shortened(text: string, length: number): string {
  const wellFormed = text.toWellFormed();
  const start = truncated(wellFormed, length);
  return start === wellFormed ? start : `${truncated(start, length - 1)}…`;
}

/**
 * A payload as JSON of exactly {@link PAYLOAD_BYTES}: spaces follow it. One that is too long says less of
 * what was read; `undefined` if it is too long even then, which takes an address of several hundred
 * characters.
 */
export function encodedPayload(payload: PushPayload): Uint8Array | undefined {
  for (let named = payload.read.length; named >= 0; named--) {
    const json = JSON.stringify({ ...payload, read: payload.read.slice(0, named) });
    const bytes = new Uint8Array(PAYLOAD_BYTES).fill(SPACE);
    // The encoder writes whole characters only.
    const { read } = new TextEncoder().encodeInto(json, bytes);
    if (read === json.length) return bytes;
  }
  return undefined;
}

const SPACE = 0x20;

/** Of a direct conversation and of mentions: the device is to be woken. */
export function urgencyOf({ conversation, reason }: Notification): "high" | "normal" {
  return conversation.kind === "direct" || reason === "mention" ? "high" : "normal";
}

/** The newest push message of a topic replaces those that wait at the push service (32 characters). */
export function topicOf({ conversation }: Notification): string {
  return conversation.id.replaceAll("-", "");
}

/** Seconds that a push service keeps a message; 0: it is too late. */
export function ttlSecondsOf({ expiresAt }: Notification, now: number): number {
  return Math.max(0, Math.ceil((expiresAt - now) / 1_000));
}

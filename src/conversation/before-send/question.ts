import { createHash } from "node:crypto";
import type { Conversation, Kind } from "../../domain/conversation.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { Message } from "../../domain/message.ts";
import type { Actor } from "../../domain/policy.ts";
import { digestOf } from "../decide/digest.ts";
import type { Command } from "../decide/types.ts";

/** Names of a conversation, as far as they are set or changed. */
export interface Names {
  title?: string;
  description?: string;
  subject?: string;
}

/** What the before-send hook is asked, as docs/operations.md describes it. Hooks ignore unknown fields. */
export type Question = {
  /** The same for each question about the same send with a `clientMessageId`. */
  id: string;
  /** `title`: as it is now. */
  conversation: { id: string; kind: Kind; title: string | null };
  sender: { userId: string; name: string | null; role: string };
} & (
  | { type: "message.send"; message: Draft }
  | { type: "message.edit"; message: Draft & { id: string } }
  | { type: "conversation.create" | "conversation.update"; names: Names }
);

interface Draft {
  text: string;
  attachments: { name: string; mimeType: string; size: number }[];
  /** A message id. */
  replyTo: string | null;
  mentions: readonly string[];
  metadata: Message["metadata"];
}

type Of = Pick<Conversation, "id" | "kind" | "title">;

/** Whether a command says something that the hook is asked about. */
export function isModerated(command: Command): boolean {
  switch (command.type) {
    case "send":
      return command.moderated === undefined;
    case "edit":
      return true;
    case "update":
      return Boolean(command.title || command.description);
    default:
      return false;
  }
}

/** The question about a send or an edit, of which `message` would be the outcome. */
export function questionAboutMessage(
  actor: Actor,
  conversation: Of,
  command: Extract<Command, { type: "send" | "edit" }>,
  message: Pick<Message, "content" | "attachments" | "replyTo" | "mentions" | "metadata">,
): Question {
  const draft: Draft = {
    text: message.content,
    attachments: message.attachments.map(({ name, mimeType, size }) => ({ name, mimeType, size })),
    replyTo: message.replyTo === null ? null : messageIdOf(conversation.id, message.replyTo),
    mentions: message.mentions ?? [],
    metadata: message.metadata,
  };
  const common = { ...about(conversation), ...by(actor) };
  return command.type === "send"
    ? { type: "message.send", id: idOf(actor, conversation, command), ...common, message: draft }
    : {
        ...{ type: "message.edit", id: crypto.randomUUID(), ...common },
        message: { id: command.messageId, ...draft },
      };
}

/** The question about names of a conversation that is created or exists. */
export function questionAboutNames(
  type: "conversation.create" | "conversation.update",
  actor: Actor,
  conversation: Of,
  names: Names,
): Question {
  return { type, id: crypto.randomUUID(), ...about(conversation), ...by(actor), names };
}

/** The names that have a text. */
export function namesOf(given: { [Name in keyof Names]: string | null | undefined }): Names {
  return Object.fromEntries(Object.entries(given).filter(([, text]) => text));
}

function about({ id, kind, title }: Of) {
  return { conversation: { id, kind, title } };
}

function by({ userId, name, role }: Actor) {
  return { sender: { userId, name, role } };
}

function idOf(actor: Actor, { id }: Of, command: Extract<Command, { type: "send" }>): string {
  const { clientMessageId } = command;
  if (clientMessageId === undefined) return crypto.randomUUID();
  const sent = [id, actor.userId, clientMessageId, digestOf(command)];
  return createHash("sha256").update(JSON.stringify(sent)).digest("base64url").slice(0, 22);
}

import type { Context } from "hono";
import { askHook, hasHook } from "../conversation/before-send/hook.ts";
import {
  namesOf,
  type Question,
  questionAboutMessage,
  questionAboutNames,
} from "../conversation/before-send/question.ts";
import {
  moderatedNames,
  moderatedText,
  type Reply,
  type Verdict,
} from "../conversation/before-send/verdict.ts";
import type { Creation } from "../conversation/commit/create.ts";
import type { Command } from "../conversation/decide/types.ts";
import type { Result } from "../domain/error.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";
import { refuse, unwrapped } from "./refusal.ts";

type Send = Extract<Command, { type: "send" }>;

/** The before-send hook, for conversations that do not exist yet. */

/** A creation with its names as the hook lets them be. Throws a rejection. */
export function moderatedCreation(
  c: Context<EdgeEnv>,
  conversationId: string,
  creation: Creation,
): Promise<Creation> {
  const { kind, title, description, subject } = creation;
  const names = namesOf({ title, description, subject });
  if (Object.keys(names).length === 0) return Promise.resolve(creation);
  const conversation = { id: conversationId, kind, title: null };
  const question = questionAboutNames("conversation.create", c.get("actor"), conversation, names);
  return moderated(c, question, creation, (verdict) => {
    const result = moderatedNames(names, verdict);
    return result.ok ? { ok: true, value: { ...creation, ...result.value } } : result;
  });
}

/**
 * The first message of a conversation as the hook lets it be, asked before the conversation is created, so
 * that one whose message is rejected is not. Throws a rejection.
 */
export function moderatedFirstMessage(
  c: Context<EdgeEnv>,
  conversation: Pick<Creation, "kind"> & { id: string },
  send: Send,
): Promise<Send> {
  const message = { content: send.content ?? "", attachments: [], replyTo: null, metadata: null };
  const about = { ...conversation, title: null };
  const question = questionAboutMessage(c.get("actor"), about, send, message);
  return moderated(c, question, send, (verdict) => moderatedText(send, verdict));
}

async function moderated<T>(
  c: Context<EdgeEnv>,
  question: Question,
  asked: T,
  apply: (verdict: Verdict) => Result<T>,
): Promise<T> {
  const settings = c.get("settings");
  if (!hasHook(settings)) return asked;
  const reply: Reply = await c.get("timing").of("hook", askHook(settings, question, Date.now()));
  if (reply.action !== "none") return unwrapped(apply(reply));
  log("moderation_failed", { conversationId: question.conversation.id, reason: reply.reason });
  return settings.MODERATION_FAILS === "open" ? asked : refuse("unavailable");
}

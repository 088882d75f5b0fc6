import { Webhook } from "standardwebhooks";
import type { Settings } from "../../env.ts";
import type { Question } from "./question.ts";
import { type Reply, verdictSchema } from "./verdict.ts";

/** Bytes of an answer that are read: a text of 5,000 characters, escaped, and as much again. */
const MAX_ANSWER_BYTES = 128 * 1024;

export type HookSettings = Pick<
  Settings,
  "MODERATION_URL" | "MODERATION_SECRET" | "MODERATION_TIMEOUT_MS" | "MODERATION_FAILS"
>;

/** Whether there is a hook to ask. */
export function hasHook(settings: HookSettings): boolean {
  return settings.MODERATION_URL !== undefined && settings.MODERATION_SECRET !== undefined;
}

/**
 * Asks the host application: one POST, signed by the Standard Webhooks scheme with every secret of
 * `MODERATION_SECRET`. Resolves within `MODERATION_TIMEOUT_MS` and never rejects. `now` dates the question,
 * in milliseconds.
 */
export async function askHook(
  { MODERATION_URL: url, MODERATION_SECRET: secrets, MODERATION_TIMEOUT_MS: ms }: HookSettings,
  question: Question,
  now: number,
): Promise<Reply> {
  if (url === undefined || secrets === undefined) return { action: "allow" };
  const at = new Date(now);
  const body = JSON.stringify({ ...question, timestamp: at.toISOString() });
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), ms);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Parley",
        "webhook-id": question.id,
        "webhook-timestamp": String(Math.floor(now / 1_000)),
        "webhook-signature": secrets
          .map((secret) => new Webhook(secret).sign(question.id, at, body))
          .join(" "),
      },
      body,
      // Only the configured address is trusted.
      redirect: "manual",
      signal: timeout.signal,
    });
    if (response.ok) return verdictOf(await beginningOf(response.body));
    await response.body?.cancel();
    return none(`status ${response.status}`);
  } catch {
    // The error may have the address in it.
    return none(timeout.signal.aborted ? "timeout" : "unreachable");
  } finally {
    clearTimeout(timer);
  }
}

function none(reason: string): Reply {
  return { action: "none", reason };
}

function verdictOf(text: string | undefined): Reply {
  if (text === undefined) return none("too long an answer");
  try {
    const parsed = verdictSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : none("not an answer");
  } catch {
    return none("not JSON");
  }
}

/** The text of a body; `undefined`: it is longer than {@link MAX_ANSWER_BYTES}. */
async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
  if (!body) return "";
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

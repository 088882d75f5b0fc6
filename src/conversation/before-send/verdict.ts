import { z } from "zod";
import { MAX_TITLE_LENGTH } from "../../domain/conversation.ts";
import { type Failure, fail, ok, type Result } from "../../domain/error.ts";
import { captionOf, contentOf } from "../../domain/message.ts";
import { hasSpoofingCharacters, truncated } from "../../domain/text.ts";
import type { Command } from "../decide/types.ts";
import type { Names } from "./question.ts";

/** Characters of a rejection's message that reach the sender. */
const MAX_REJECTION = 500;
/** Characters of a description in place of another. */
const MAX_DESCRIPTION = 500;

/** How the hook answers. Fields that it has beside these are ignored. */
export const verdictSchema = z.discriminatedUnion("action", [
  z.object({ action: z.literal("allow") }),
  // A rejection holds, whatever its message is.
  z.object({ action: z.literal("reject"), message: z.unknown().optional() }),
  z.object({
    action: z.literal("replace"),
    text: z.unknown().optional(),
    names: z.unknown().optional(),
  }),
]);
export type Verdict = z.infer<typeof verdictSchema>;

const namesSchema = z.object({
  title: z.string().optional(),
  description: z.string().optional(),
  subject: z.string().optional(),
});

/** The verdict, or why there is none. */
export type Reply = Verdict | { action: "none"; reason: string };

/** What a verdict without a usable text in place of the sender's comes to: they are not sent either. */
const NOTHING_USABLE = { action: "reject", message: undefined } as const;

/** A send or an edit as the hook lets it be, or its rejection. */
export function moderatedText<C extends Extract<Command, { type: "send" | "edit" }>>(
  command: C,
  verdict: Verdict,
): Result<C> {
  if (verdict.action === "reject") return rejection(verdict);
  if (verdict.action === "allow") return ok(marked(command, undefined));
  const files = command.type === "send" ? (command.attachments?.length ?? 0) : 0;
  const { text } = verdict;
  if (typeof text !== "string") return rejection(NOTHING_USABLE);
  const content = (files > 0 ? captionOf : contentOf)(text, command.maxLength);
  if (!content.ok) return rejection(NOTHING_USABLE);
  return ok({ ...marked(command, command.content ?? ""), content: content.value });
}

/** The names as the hook lets them be, or their rejection. */
export function moderatedNames(names: Names, verdict: Verdict): Result<Names> {
  if (verdict.action === "reject") return rejection(verdict);
  if (verdict.action === "allow") return ok(names);
  const given = namesSchema.safeParse(verdict.names);
  if (!given.success) return rejection(NOTHING_USABLE);
  // Others than were asked about stay as they are.
  const wanted = { ...names };
  for (const key of ["title", "description", "subject"] as const) {
    const text = given.data[key];
    if (text === undefined || names[key] === undefined) continue;
    const usable = nameOf(text, key === "description" ? MAX_DESCRIPTION : MAX_TITLE_LENGTH);
    if (usable === undefined || (key !== "description" && usable.includes("\n"))) {
      return rejection(NOTHING_USABLE);
    }
    wanted[key] = usable;
  }
  return ok(wanted);
}

function nameOf(text: string, max: number): string | undefined {
  const content = contentOf(text, max);
  return content.ok && !hasSpoofingCharacters(content.value) ? content.value : undefined;
}

/** Marks a send as one that the hook was asked about. */
function marked<C extends Command>(command: C, original: string | undefined): C {
  if (command.type !== "send") return command;
  return { ...command, moderated: original === undefined ? {} : { original } };
}

function rejection({ message }: Extract<Verdict, { action: "reject" }>): Failure {
  if (typeof message !== "string") return fail("rejected");
  const text = contentOf(truncated(message, MAX_REJECTION), MAX_REJECTION);
  return text.ok ? fail("rejected", { message: text.value }) : fail("rejected");
}

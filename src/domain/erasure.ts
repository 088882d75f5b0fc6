import { parsed } from "./stored.ts";

/** Where a person is erased: how what names them is written without them. */

/** What becomes of what an erased person wrote: it is cleared, or stays under the id that stands for them. */
export const ERASED_MESSAGES = ["clear", "keep"] as const;
export type ErasedMessages = (typeof ERASED_MESSAGES)[number];

/** A person, and the id that stands for them from now on. */
export interface Replacement {
  userId: string;
  /** See {@link erasedUserId}. */
  erasedId: string;
}

/** What members of a group are shown where somebody without a name came or went. */
const NOBODY = "Somebody";
/** The ends of the system messages that begin with a name. */
const NAMED = ["was added", "left", "was removed"];

/**
 * JSON in which every text, and every field, that is the person's id is the other one; longer texts that
 * contain it stay. What is no JSON stays as it is.
 */
export function withoutPerson(json: string, replacement: Replacement): string {
  const value = parsed(json);
  return value === undefined ? json : JSON.stringify(replaced(value, replacement));
}

/** How {@link withoutPerson}'s id looks within JSON: what does not contain it need not be parsed. */
export function idInJson(userId: string): string {
  return JSON.stringify(userId);
}

/** The text of a system message about one person, without their name. */
export function withoutName(content: string): string {
  const end = NAMED.find((end) => content.endsWith(` ${end}`));
  return end === undefined ? content : `${NOBODY} ${end}`;
}

function replaced(value: unknown, { userId, erasedId }: Replacement): unknown {
  const of = (inner: unknown): unknown => {
    if (inner === userId) return erasedId;
    if (Array.isArray(inner)) return inner.map(of);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(
      Object.entries(inner).map(([key, one]) => [key === userId ? erasedId : key, of(one)]),
    );
  };
  return of(value);
}

import { channelWords, personWords } from "../domain/name-words.ts";
import { WORDS_VERSION } from "./schema.ts";

/**
 * The columns `words` of users and of conversations: a JSON list of what the words were made of, and the words.
 * Where that is not the present name, the cron makes them anew (complete-words.ts).
 */

/** Of a person; `null`: they have no name. */
export function wordsOfPerson(name: string | null | undefined): string | null {
  return name == null ? null : JSON.stringify([`${WORDS_VERSION}${name}`, ...personWords(name)]);
}

/** Of a channel's name and description. */
export function wordsOfChannel(title: string | null, description: string | null): string {
  const text = `${WORDS_VERSION}${title ?? ""}\n${description ?? ""}`;
  return JSON.stringify([text, ...channelWords(title, description)]);
}

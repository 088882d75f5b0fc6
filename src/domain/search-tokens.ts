import { EVERYBODY } from "./mentions.ts";
import type { Message } from "./message.ts";
import type { SearchContext, SearchQuery } from "./search.ts";
import { type Has, has, ME } from "./search-filters.ts";
import { folded } from "./search-folding.ts";
import { SYMBOLS, type Term, UNSPACED_RUNS, WORDS } from "./search-words.ts";
import { truncated } from "./text.ts";

/** Code points of a token at most: of longer words the beginning is enough to find candidates. */
const MAX_TOKEN = 32;
/** Tokens that are looked for on account of one term at most. */
const MAX_WANTED = 8;

/**
 * First characters of tokens for properties. They are of private use, and no token of a text has such: those are
 * of letters, digits, marks and symbols.
 */
const SENDER = "\ue000";
const MENTIONED = "\ue001";
const HAS = "\ue002";
/** Where ASCII characters are put in ids that FTS5's tokenizer `ascii` takes for separators, or folds. */
const OTHER_ASCII = 0xe100;

/**
 * The tokens of a message for a full-text index: of its content and the names of its files, and one for each of
 * the properties that a query may name. Each once. They hold letters and digits of lower case and characters that
 * are not ASCII only, so that FTS5's tokenizer `ascii` keeps them as they are.
 *
 * A run of letters and digits is a token; where words have no spaces between them, each two characters are one, and
 * the last character: so that a single one is a prefix of what stands for it.
 */
export function tokensOf(message: Message): string[] {
  const texts = [message.content, ...message.attachments.map(({ name }) => name)];
  const tokens = new Set(texts.flatMap((text) => tokensOfText(folded(text))));
  if (message.senderId !== null) tokens.add(idToken(SENDER, folded(message.senderId)));
  for (const userId of message.mentions ?? []) tokens.add(idToken(MENTIONED, folded(userId)));
  if (message.mentionsAll) tokens.add(idToken(MENTIONED, EVERYBODY));
  for (const what of ["file", "image", "link"] as const) {
    if (has(message, what)) tokens.add(hasToken(what));
  }
  return [...tokens];
}

/** A token that a message must have; `isPrefix`: or one that begins so. */
export interface WantedToken {
  token: string;
  isPrefix: boolean;
}

/**
 * Tokens that every message has which matches a query: any of each inner list, all of the outer one. Empty: the
 * index cannot help.
 */
export function wantedTokens(query: SearchQuery, context: SearchContext): WantedToken[][] {
  const ofTerms = query.terms.flatMap((term) => tokensOfTerm(term).map((token) => [token]));
  const ofHas = query.has.map((what) => [exactly(hasToken(what))]);
  const me = query.mentionsMe
    ? [[context.userId, EVERYBODY].map((userId) => exactly(idToken(MENTIONED, folded(userId))))]
    : [];
  return [...ofTerms, ...ofHas, ...me, ...senders(query, context)];
}

/** Those of a name are only known where the context can list them. */
function senders({ from }: SearchQuery, context: SearchContext): WantedToken[][] {
  const ids = from.map((wanted) => [
    wanted,
    ...(wanted === ME ? [context.userId] : (context.usersNamed?.(wanted) ?? [])).map(folded),
  ]);
  const areKnown = context.usersNamed !== undefined || from.every((wanted) => wanted === ME);
  if (ids.length === 0 || !areKnown) return [];
  return [Array.from(new Set(ids.flat()), (id) => exactly(idToken(SENDER, id)))];
}

function exactly(token: string): WantedToken {
  return { token, isPrefix: false };
}

function tokensOfText(text: string): string[] {
  const words = (text.match(WORDS) ?? []).map((word) => truncated(word, MAX_TOKEN));
  const pairs = (text.match(UNSPACED_RUNS) ?? []).flatMap((run) => {
    const characters = Array.from(run);
    return characters.map((character, index) => character + (characters[index + 1] ?? ""));
  });
  return [...words, ...pairs, ...(text.match(SYMBOLS) ?? [])];
}

/** Its first and last words are whole in a text where it is found, but for the last one of a prefix. */
function tokensOfTerm({ text, isPrefix }: Term): WantedToken[] {
  const words = Array.from(text.matchAll(WORDS), ({ 0: word, index }) => {
    const token = truncated(word, MAX_TOKEN);
    return { token, isPrefix: isPrefix && index + word.length === text.length && token === word };
  });
  const pairs = (text.match(UNSPACED_RUNS) ?? []).flatMap((run) => {
    const characters = Array.from(run);
    // Alone, it may be anywhere in a run: in front of another character, or at the end.
    if (characters.length === 1) return [{ token: run, isPrefix: true }];
    return characters.slice(1).map((second, index) => exactly(`${characters[index]}${second}`));
  });
  const symbols = (text.match(SYMBOLS) ?? []).map(exactly);
  return [...words, ...pairs, ...symbols].slice(0, MAX_WANTED);
}

/** Of an id as it is compared: folded. */
function idToken(kind: string, id: string): string {
  const encode = (character: string) => String.fromCharCode(OTHER_ASCII + character.charCodeAt(0));
  return kind + id.replace(/[\0-\x2f\x3a-\x60\x7b-\x7f]/g, encode);
}

function hasToken(what: Has): string {
  return HAS + what;
}

import type { WantedToken } from "../../domain/search-tokens.ts";

/** Alternatives of one condition: one with more is left out, and checked of each candidate instead. */
const MAX_ALTERNATIVES = 64;

/** Tokens as an expression of FTS5; `undefined`: they exclude nothing. */
export function expressionOf(wanted: readonly (readonly WantedToken[])[]): string | undefined {
  const conditions = wanted
    .filter(({ length }) => length <= MAX_ALTERNATIVES)
    .map((alternatives) => `(${alternatives.map(stringOf).join(" OR ")})`);
  return conditions.length > 0 ? conditions.join(" AND ") : undefined;
}

function stringOf({ token, isPrefix }: WantedToken): string {
  return `"${token.replaceAll('"', '""')}"${isPrefix ? "*" : ""}`;
}

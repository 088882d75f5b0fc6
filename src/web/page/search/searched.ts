import type { SearchPage } from "../../../client/search.ts";

/** What was searched for the hits that are shown. */
export type Searched = Omit<SearchPage, "hits">;

const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

/** What was searched for the hits of some pages and of the one behind them. */
export function searchedWith(before: Searched | undefined, page: Searched): Searched {
  const { cursor, searchedBack } = page;
  return {
    ...{ cursor, searchedBack },
    incomplete: page.incomplete || before?.incomplete === true,
    failed: [...new Set([...(before?.failed ?? []), ...page.failed])],
  };
}

/** How many messages were found, and what was not searched, in sentences. */
export function sentencesOf(count: number, searched: Searched): string {
  const { searchedBack, incomplete, failed } = searched;
  const sentences = [count === 0 ? "No message was found." : `${count} ${messages(count)}.`];
  if (searchedBack !== null)
    sentences.push(`Searched back to ${date.format(new Date(searchedBack))}.`);
  if (failed.length > 0) {
    const which = failed.length === 1 ? "conversation" : "conversations";
    sentences.push(`${failed.length} ${which} could not be searched.`);
  } else if (incomplete) {
    sentences.push("Conversations that were quiet for long were not searched.");
  }
  return sentences.join(" ");
}

function messages(count: number): string {
  return count === 1 ? "message" : "messages";
}

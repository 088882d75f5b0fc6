/**
 * Jobs that call many conversations, a page at a time: one that does not answer keeps no other from being called,
 * and is called again when all others were.
 */

/** Conversations of one step, which are called at the same time. */
export const PAGE = 50;
/** Conversations that did not answer, of which a job goes on with the others. */
const MAX_MISSED = 1_000;

/**
 * Calls the conversations of a page. Resolves to those that have not answered so far. Throws where none of the page
 * answers, or too many are missed: then the step is repeated.
 */
export async function callAll(
  ids: readonly string[],
  missed: readonly string[],
  call: (id: string) => Promise<unknown>,
): Promise<string[]> {
  const called = await Promise.allSettled(ids.map(call));
  const failed = ids.filter((_, index) => called[index]?.status === "rejected");
  if (failed.length === ids.length || missed.length + failed.length > MAX_MISSED) {
    throw new Error("conversations do not answer");
  }
  return [...missed, ...failed];
}

/** Calls some of those again that were missed; resolves to the rest of them. Throws where one does not answer. */
export async function callMissed(
  missed: readonly string[],
  call: (id: string) => Promise<unknown>,
): Promise<string[]> {
  await Promise.all(missed.slice(0, PAGE).map(call));
  return missed.slice(PAGE);
}

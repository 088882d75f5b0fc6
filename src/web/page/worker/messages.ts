/** What the service worker and the page's tabs say to each other. */

/** Of the service worker, to a tab. */
export type WorkerMessage =
  /** Which user is signed in? The tab answers by the port that comes with it. */
  | { type: "whose" }
  | { type: "open"; conversationId: string }
  /** A notification is shown; the conversation may have been read meanwhile. */
  | { type: "shown" };

/** Of a tab, by the port. */
export interface TabAnswer {
  userId: string;
}

/** A message of the service worker; `undefined`: one of another version. */
export function workerMessageOf(value: unknown): WorkerMessage | undefined {
  const { type, conversationId } = fieldsOf(value);
  if (type === "whose" || type === "shown") return { type };
  if (type === "open" && typeof conversationId === "string") return { type, conversationId };
  return undefined;
}

export function tabAnswerOf(value: unknown): TabAnswer | undefined {
  const { userId } = fieldsOf(value);
  return typeof userId === "string" ? { userId } : undefined;
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

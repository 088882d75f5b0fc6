import { signal } from "@preact/signals";
import { ParleyError } from "../../../client/error.ts";

/** What screen readers are told beside what they find on the page. */
export const announced = signal("");
/** What went wrong, until it is dismissed or something else did. */
export const notice = signal<string | undefined>(undefined);

export function announce(text: string): void {
  // The same text twice is no change, and would not be read again.
  announced.value = text === announced.peek() ? `${text} ` : text;
}

/** Tells what went wrong, in the server's words where it has any. */
export function complain(error: unknown): void {
  // Whoever closed a conversation knows; where the server did, it is shown in its place.
  if (error instanceof ParleyError && error.code === "closed") return;
  notice.value = sentenceOf(error);
}

export function sentenceOf(error: unknown): string {
  if (!(error instanceof ParleyError)) return "Something went wrong on this page.";
  if (error.code === "network") return "The server could not be reached. Try again.";
  const [detail] = error.details;
  return detail && error.code === "invalid_request"
    ? `${error.message} ${detail.message}`
    : error.message;
}

import { signal } from "@preact/signals";
import { ParleyError } from "../../../client/error.ts";

/** Announcements for screen readers. */
export const announced = signal("");
/** The last error, until it is dismissed or replaced. */
export const notice = signal<string | undefined>(undefined);

/** Why a session ends. */
export const OVER = {
  expired: "Your token is not valid, or no longer. Sign in again.",
  banned: "This account may not use the service.",
};

export function announce(text: string): void {
  // The same text twice is no change and would not be announced again.
  announced.value = text === announced.peek() ? `${text} ` : text;
}

/** Shows an error, with the server's message if there is one. */
export function complain(error: unknown): void {
  // The user closed the conversation, or its closed state is already shown.
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

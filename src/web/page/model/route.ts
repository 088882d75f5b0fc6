import { signal } from "@preact/signals";
import { linkTo } from "./link.ts";

/** The conversation in the page's address: `#/c/{id}`. */
export const openId = signal(idIn(location.hash));

/** Whether the address is that of the moderators' view. */
export const isModeration = location.pathname.startsWith("/moderation");

addEventListener("hashchange", () => {
  openId.value = idIn(location.hash);
});

export function open(id: string): void {
  location.hash = linkTo(id);
  // Its event comes later.
  openId.value = id;
}

/** Closes the open conversation. */
export function close(): void {
  location.hash = "#/";
}

function idIn(hash: string): string | undefined {
  return /^#\/c\/([0-9a-f-]{36})$/.exec(hash)?.[1];
}

import * as z from "zod";
import { keyOf } from "../model/turned-on.ts";

const registered = z.object({ endpoint: z.string(), at: z.number() });
/** The push subscription that the server has of a user, and since when. */
export type Registered = z.infer<typeof registered>;

/** What this browser remembers of a user's push subscription; it exists where notifications are turned on. */
export function registeredOf(userId: string): Registered | undefined {
  try {
    return registered.parse(JSON.parse(localStorage.getItem(keyOf(userId)) ?? ""));
  } catch {
    return undefined;
  }
}

export function remember(userId: string, value: Registered): void {
  localStorage.setItem(keyOf(userId), JSON.stringify(value));
}

export function forget(userId: string): void {
  localStorage.removeItem(keyOf(userId));
}

/** Whether anybody has turned on notifications in this browser: they share one subscription. */
export function isSomebodyRegistered(): boolean {
  return Object.keys(localStorage).some((key) => key.startsWith(keyOf("")));
}

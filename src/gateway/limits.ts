import type { Rate } from "../domain/budget.ts";
import { MAX_COMMANDS_PER_SECOND } from "../live/version.ts";

/** What one connection may cause, whatever its protocol; docs/gateways.md tells apps of it. */

/** Conversations that one connection may be in: what it remembers of them survives hibernation. */
export const MAX_ROOMS = 100;
/** Commands: so many at once, and as many more with each second. */
export const COMMANDS: Rate = {
  burst: MAX_COMMANDS_PER_SECOND,
  perSecond: MAX_COMMANDS_PER_SECOND,
};
/** Messages of the protocol that one frame or request may hold. */
export const MAX_MESSAGES = 1_000;
/** What conversations have been asked and have not answered; beyond that nothing more is asked. */
export const MAX_OUTSTANDING = 256;
/** How long a conversation is told the same of somebody's typing once only. */
export const TYPING_EVERY_MS = 3_000;

/** How something that a client asks for is counted. */
export type Limit = "command" | "join" | "send";

/** What is done with it: carried out, answered with `rate_limited`, or ignored. */
export type Admission = "accept" | "refuse" | "ignore";

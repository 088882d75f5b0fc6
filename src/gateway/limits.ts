import type { Rate } from "../domain/budget.ts";
import { MAX_COMMANDS_PER_SECOND } from "../live/version.ts";

/** Limits of one connection, whatever its protocol; docs/gateways.md documents them. */

/** Conversations that one connection may be in: they are kept in its attachment. */
export const MAX_ROOMS = 100;
/** Commands: a burst, and as many more each second. */
export const COMMANDS: Rate = {
  burst: MAX_COMMANDS_PER_SECOND,
  perSecond: MAX_COMMANDS_PER_SECOND,
};
/** Messages of the protocol that one frame or request may hold. */
export const MAX_MESSAGES = 1_000;
/** Calls to conversations that are outstanding; beyond that no more are made. */
export const MAX_OUTSTANDING = 256;
/** How long a repeated typing event of a person is not passed on to a conversation. */
export const TYPING_EVERY_MS = 3_000;

/** How a request of a client counts against its rate. */
export type Limit = "command" | "join" | "send";

/** What is done with a request: carried out, answered with `rate_limited`, or ignored. */
export type Admission = "accept" | "refuse" | "ignore";

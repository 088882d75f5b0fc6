import { expect, test } from "vitest";
import { decide } from "../../../src/conversation/decide/decide.ts";
import type { Command, Decision } from "../../../src/conversation/decide/types.ts";
import type { ChatError, ErrorCode } from "../../../src/domain/error.ts";
import { messageIdOf } from "../../../src/domain/id.ts";
import type { Actor } from "../../../src/domain/policy.ts";
import { ID, type MemoryState, NOW } from "./state.ts";

/** A user who acts as a member. */
export function user(userId: string, more: Partial<Actor> = {}): Actor {
  return { userId, name: null, avatarUrl: null, role: "user", reach: "member", ...more };
}

/** A user of an API in which staff reach any conversation. */
export function staff(userId: string, role: Actor["role"]): Actor {
  return user(userId, { role, reach: "staff" });
}

/** The id of a message of the conversation. */
export function id(number: number): string {
  return messageIdOf(ID, number);
}

/** The decision on a command; fails if it is refused. */
export function accepted(
  state: MemoryState,
  actor: Actor,
  command: Command,
  now = Math.max(state.clock, state.counters.lastCreatedAt),
): Decision {
  const decided = decide(state, { actor, command }, now);
  if (!decided.ok) throw new Error(`refused: ${decided.error.code}`);
  return decided.value;
}

/** Why a command is refused; `undefined` where it is not. */
export function refusedWith(
  state: MemoryState,
  actor: Actor,
  command: Command,
): ChatError | undefined {
  const decided = decide(state, { actor, command }, NOW);
  return decided.ok ? undefined : decided.error;
}

/** A command that is refused in a state; `given` prepares the state. */
export type Refusal = [
  code: ErrorCode,
  what: string,
  actor: Actor,
  command: Command,
  given?: (state: MemoryState) => void,
];

/** One test for each row: the command is refused with the code. */
export function testRefusals(stateOf: () => MemoryState, rows: readonly Refusal[]): void {
  test.each(rows.map(([code, what, ...row]) => ({ code, what, row })))(
    "$code: $what",
    ({ code, row: [actor, command, given] }) => {
      const state = stateOf();
      given?.(state);
      expect(refusedWith(state, actor, command)?.code).toBe(code);
    },
  );
}

import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { type Answer, type Caller, objectOf } from "../support.ts";
import { USERS } from "./requests.ts";

/** What tests of blocks share. */

export const BLOCKS = `${USERS}/blocks`;

/** Blocks somebody, and checks that it was everywhere when that was answered. */
export async function block(caller: Caller, other: { userId: string }): Promise<void> {
  const { status, headers } = await caller.put(BLOCKS, { userId: other.userId });
  expect([status, headers.get("Warning")]).toEqual([204, null]);
}

export async function unblock(caller: Caller, other: { userId: string }): Promise<void> {
  const { status, headers } = await caller.delete(BLOCKS, { userId: other.userId });
  expect([status, headers.get("Warning")]).toEqual([204, null]);
}

/** The blocks that hold in a conversation, as `blocker blocked`, sorted. */
export function blocksIn(conversationId: string): Promise<string[]> {
  return runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
    sql
      .exec<{ user_id: string; blocked_id: string }>(
        "SELECT user_id, blocked_id FROM blocks WHERE to_number IS NULL",
      )
      .toArray()
      .map(({ user_id, blocked_id }) => `${user_id} ${blocked_id}`)
      .sort(),
  );
}

/** A pair as {@link blocksIn} has it. */
export function pair(blocker: Caller, blocked: Caller): string {
  return `${blocker.userId} ${blocked.userId}`;
}

export function outcomeOf({ status, body }: Answer): [status: number, code: unknown] {
  return [status, body?.code];
}

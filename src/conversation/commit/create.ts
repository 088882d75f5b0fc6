import type { Block } from "../../domain/block.ts";
import type { Conversation, Member, Person, Role } from "../../domain/conversation.ts";
import { effectOfBlocks } from "../../domain/hides.ts";
import { putBlock } from "../tables/blocks.ts";
import { insertConversation, insertCounters } from "../tables/conversation.ts";
import { memberOf, putMember } from "../tables/members.ts";
import { migrate } from "../tables/schema.ts";

/** A conversation to create. Its members are distinct people, checked beforehand. */
export interface Creation extends Omit<Conversation, "id" | "rev" | "createdAt" | "archivedAt"> {
  members: {
    person: Person;
    role: Role;
    /** They have to accept it. */
    request?: boolean;
  }[];
  /** Those between its members. */
  blocks?: readonly Block[] | undefined;
}

/** What came of a creation. */
export interface Created {
  /** False: it existed. */
  created: boolean;
  /** Whether the lists show it. */
  listed: boolean;
  /**
   * The id was another conversation's, which was deleted, or of which they are no members any more because somebody
   * was erased: they need another id.
   */
  notTheirs?: true;
}

export const NOT_THEIRS: Created = { created: false, listed: true, notTheirs: true };

/** Whether everybody of a creation is or was a member of the conversation that there is. */
export function isOfMembers(sql: SqlStorage, { members }: Creation): boolean {
  return members.every(({ person }) => memberOf(sql, person.userId) !== undefined);
}

/**
 * Writes a new conversation in one transaction; nothing else creates tables in an object. Revision
 * 1 is the conversation's, the following are its members'.
 */
export function createConversation(
  storage: DurableObjectStorage,
  id: string,
  epoch: string,
  creation: Creation,
  now: number,
): void {
  const { members, blocks = [], ...rest } = creation;
  storage.transactionSync(() => {
    const { sql } = storage;
    migrate(sql);
    insertConversation(sql, epoch, { ...rest, id, createdAt: now, archivedAt: null, rev: 1 });
    for (const [index, { person, role, request }] of members.entries()) {
      const member: Member = {
        userId: person.userId,
        name: person.name,
        avatarUrl: person.avatarUrl,
        role,
        joinedAt: now,
        leftAt: null,
        archived: false,
        ...(request && { request: "pending" as const }),
        readUpTo: 0,
        readBeyond: 0,
        rev: index + 2,
      };
      putMember(sql, member);
    }
    for (const { userId, blockedId, blocked, version } of blocks) {
      if (effectOfBlocks(rest.kind) === "none") continue;
      putBlock(sql, { userId, blockedId, upTo: blocked ? null : 0, version, rev: 1 });
    }
    insertCounters(sql, {
      rev: members.length + 1,
      lastNumber: 0,
      counted: 0,
      lastCounted: 0,
      lastCreatedAt: now,
      memberCount: members.length,
      projectedRev: 0,
    });
  });
}

/**
 * An epoch: new at creation and after a restore. Later epochs sort after earlier ones, so that D1
 * can order them.
 */
export function newEpoch(now: number, random: Uint8Array): string {
  return now.toString(36).padStart(9, "0") + [...random].map((byte) => hex(byte)).join("");
}

/** An epoch after another one, also where the clock has gone back since. */
export function epochAfter(epoch: string, now: number, random: Uint8Array): string {
  const began = Number.parseInt(epoch.slice(0, 9), 36);
  return newEpoch(Math.max(now, began + 1 || 0), random);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

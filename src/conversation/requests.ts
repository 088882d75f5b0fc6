import type { Change } from "./decide/types.ts";
import { membersWithRequest } from "./tables/members.ts";

/**
 * The members who have not accepted a stranger's request, as committed. Until they do, the others are shown
 * neither that they read, nor that they are online or typing.
 */
export class Requests {
  private readonly userIds: Set<string>;

  constructor(sql: SqlStorage) {
    this.userIds = new Set(membersWithRequest(sql));
  }

  has(userId: string): boolean {
    return this.userIds.has(userId);
  }

  /** Adopts a commit; returns who has accepted in it. */
  follow(changes: readonly Change[]): string[] {
    const accepted: string[] = [];
    for (const change of changes) {
      if (change.type !== "member" && change.type !== "flag") continue;
      const { userId, request } = change.member;
      if (request) this.userIds.add(userId);
      else this.userIds.delete(userId);
      if (change.type === "flag" && change.accepted) accepted.push(userId);
    }
    return accepted;
  }
}

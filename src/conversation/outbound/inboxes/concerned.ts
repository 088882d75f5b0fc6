import type { Change } from "../../decide/types.ts";

/** Whose inbox rows a commit may have changed. */
export interface Concerned {
  /** Those of all members. */
  everybody: boolean;
  /** Those of some members in any case. */
  userIds: Set<string>;
  joined: Set<string>;
  read: Set<string>;
}

/** `lastCounted`: the newest message that counts, which rows preview. */
export function concernedBy(changes: readonly Change[], lastCounted: number): Concerned {
  const concerned: Concerned = {
    everybody: false,
    userIds: new Set(),
    joined: new Set(),
    read: new Set(),
  };
  for (const change of changes) {
    switch (change.type) {
      case "message":
        // A deletion changes unread counts; another change shows only in a preview.
        concerned.everybody ||=
          change.cause === "created" ||
          change.cause === "deleted" ||
          (change.cause === "edited" && change.message.number === lastCounted);
        break;
      case "conversation":
        concerned.everybody = true;
        break;
      case "member":
        concerned.everybody = true;
        concerned.userIds.add(change.member.userId);
        if (change.member.leftAt === null) concerned.joined.add(change.member.userId);
        break;
      case "flag":
        concerned.userIds.add(change.member.userId);
        break;
      case "read":
        concerned.userIds.add(change.read.userId);
        concerned.read.add(change.read.userId);
        break;
    }
  }
  return concerned;
}

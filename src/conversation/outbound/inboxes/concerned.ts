import { EVERYBODY } from "../../../domain/mentions.ts";
import type { Message } from "../../../domain/message.ts";
import type { Change } from "../../decide/types.ts";

/** Whose inbox rows a commit may have changed. */
export interface Concerned {
  /** Those of all members. */
  everybody: boolean;
  /** Who sent a message that came and notifies, or one that went. */
  newsFrom: Set<string>;
  /** Members who have read something. */
  readers: Set<string>;
  /** Members whose membership or flag changed. */
  changed: Set<string>;
  /** Those among them who joined, or accepted. */
  joined: Set<string>;
  /** People whom a message mentions now, or did before an edit. */
  mentioned: Set<string>;
  /** Whether a message mentions all members, or did before an edit. */
  mentionsAll: boolean;
  /** Who sent such a message. */
  allMentionedBy: Set<string>;
}

/** Whether what a user sends is hidden from a member. */
export type IsHidden = (senderId: string, userId: string) => boolean;

/** `lastCounted`: the newest message that counts, which rows preview. */
export function concernedBy(
  changes: readonly Change[],
  lastCounted: number,
  isHidden: IsHidden = () => false,
): Concerned {
  const concerned: Concerned = {
    everybody: false,
    newsFrom: new Set(),
    readers: new Set(),
    changed: new Set(),
    joined: new Set(),
    mentioned: new Set(),
    mentionsAll: false,
    allMentionedBy: new Set(),
  };
  for (const change of changes) {
    switch (change.type) {
      case "message": {
        const senderId = change.message.senderId ?? "";
        if (
          change.cause === "deleted" ||
          (change.cause === "created" && notifies(change.message))
        ) {
          concerned.newsFrom.add(senderId);
        }
        // A deletion changes unread counts; another change shows only in a preview.
        concerned.everybody ||=
          change.cause === "created" ||
          change.cause === "deleted" ||
          (change.cause === "edited" && change.message.number === lastCounted);
        for (const userId of change.mentioned ?? []) {
          if (userId === EVERYBODY) {
            concerned.allMentionedBy.add(senderId);
            concerned.mentionsAll = concerned.everybody = true;
          } else if (!isHidden(senderId, userId)) concerned.mentioned.add(userId);
        }
        break;
      }
      case "conversation":
        concerned.everybody = true;
        break;
      case "member":
        // Rows show no roles.
        if (change.cause === "role") break;
        concerned.everybody = true;
        concerned.changed.add(change.member.userId);
        if (change.member.leftAt === null) concerned.joined.add(change.member.userId);
        break;
      case "flag":
        concerned.changed.add(change.member.userId);
        // Who has declined before was told that the conversation is gone.
        if (change.accepted) concerned.joined.add(change.member.userId);
        break;
      case "block":
        // Their unread messages and their preview.
        concerned.changed.add(change.block.userId);
        break;
      case "read":
        concerned.readers.add(change.read.userId);
        break;
    }
  }
  return concerned;
}

function notifies({ kind, silent }: Message): boolean {
  return kind !== "system" && !silent;
}

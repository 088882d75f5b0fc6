import { EVERYBODY } from "../../../domain/mentions.ts";
import type { Message } from "../../../domain/message.ts";
import type { Change } from "../../decide/types.ts";

/** Whose inbox rows a commit may have changed. */
export interface Concerned {
  /** Those of all members. */
  everybody: boolean;
  /** Whether a message came that notifies, or went. */
  hasNews: boolean;
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
}

/** `lastCounted`: the newest message that counts, which rows preview. */
export function concernedBy(changes: readonly Change[], lastCounted: number): Concerned {
  const concerned: Concerned = {
    everybody: false,
    hasNews: false,
    readers: new Set(),
    changed: new Set(),
    joined: new Set(),
    mentioned: new Set(),
    mentionsAll: false,
  };
  for (const change of changes) {
    switch (change.type) {
      case "message":
        concerned.hasNews ||=
          change.cause === "deleted" || (change.cause === "created" && notifies(change.message));
        // A deletion changes unread counts; another change shows only in a preview.
        concerned.everybody ||=
          change.cause === "created" ||
          change.cause === "deleted" ||
          (change.cause === "edited" && change.message.number === lastCounted);
        for (const userId of change.mentioned ?? []) {
          if (userId === EVERYBODY) concerned.mentionsAll = concerned.everybody = true;
          else concerned.mentioned.add(userId);
        }
        break;
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

import { unreachable } from "../../domain/error.ts";
import type { Change, Decision, Effect } from "../decide/types.ts";
import { insertAct } from "../tables/audit.ts";
import { deleteBan, putBan } from "../tables/bans.ts";
import { putBlock } from "../tables/blocks.ts";
import { updateConversation } from "../tables/conversation.ts";
import { insertFiles } from "../tables/files.ts";
import { deleteHold, insertFormer, putHold } from "../tables/holds.ts";
import { insertMessages } from "../tables/insert-messages.ts";
import { deleteInvitation, insertInvitation } from "../tables/invitations.ts";
import { putMember } from "../tables/members.ts";
import { deleteMentions, insertMentions } from "../tables/mentions.ts";
import { updateMessage } from "../tables/messages.ts";
import { deletePaced, putPaced } from "../tables/paced.ts";
import { purge } from "../tables/purge.ts";
import { deleteReaction, deleteReactionsOf, insertReaction } from "../tables/reactions.ts";
import { insertRead, settleReads } from "../tables/reads.ts";
import { insertUncounted } from "../tables/uncounted.ts";

/** Writes the rows of one decision within the caller's transaction. May throw half-way. */
export function writeDecision(sql: SqlStorage, { changes, effects = [] }: Decision): void {
  for (const change of changes) writeChange(sql, change);
  for (const effect of effects) writeEffect(sql, effect);
}

function writeChange(sql: SqlStorage, change: Change): void {
  switch (change.type) {
    case "message": {
      const row = { message: change.message, digest: change.digest ?? null };
      if (change.cause === "created") insertMessages(sql, [row]);
      else updateMessage(sql, row);
      break;
    }
    case "member":
    case "flag":
      putMember(sql, change.member);
      break;
    case "block":
      putBlock(sql, change.block);
      break;
    case "read":
      insertRead(sql, change.read, change.ahead);
      break;
    case "conversation":
      updateConversation(sql, change.conversation);
      break;
    default:
      unreachable(change);
  }
}

function writeEffect(sql: SqlStorage, effect: Effect): void {
  switch (effect.type) {
    case "uncounted":
      insertUncounted(sql, effect.number);
      break;
    case "settled":
      settleReads(sql, effect.userId, effect.before, effect.after);
      break;
    case "files-sent":
      insertFiles(sql, effect.claim, effect.number, effect.keys);
      break;
    case "mentioned":
      insertMentions(sql, effect, effect.added);
      deleteMentions(sql, effect.number, effect.removed);
      break;
    case "reacted":
      insertReaction(sql, effect.number, effect.emoji, effect.userId, effect.rev);
      break;
    case "unreacted":
      deleteReaction(sql, effect.number, effect.emoji, effect.userId);
      break;
    case "reactions-cleared":
      deleteReactionsOf(sql, effect.number);
      break;
    case "purged":
      purge(sql, effect.to, effect.kept, effect.mentions);
      break;
    case "held":
      putHold(sql, effect.subject, effect.at);
      break;
    case "released":
      deleteHold(sql, effect.subject);
      break;
    case "former":
      insertFormer(sql, effect.rev, effect.message);
      break;
    case "invited":
      insertInvitation(sql, effect.userId, effect.by, effect.at);
      break;
    case "uninvited":
      deleteInvitation(sql, effect.userId);
      break;
    case "banned":
      putBan(sql, effect.ban);
      break;
    case "unbanned":
      deleteBan(sql, effect.userId);
      break;
    case "paced":
      putPaced(sql, effect.userId, effect.sentAt);
      break;
    case "pace-ended":
      deletePaced(sql);
      break;
    case "audit":
      insertAct(sql, effect.rev, effect.act);
      break;
    default:
      unreachable(effect);
  }
}

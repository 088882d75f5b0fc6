import type { Administration, Subject } from "../../../client/administration.ts";
import type { Staff } from "../../../client/staff.ts";

/** What an admin can do to a user or a conversation. */

export interface Act {
  label: string;
  /** What it does, in the dialog that asks for a reason. */
  hint: string;
  /** It cannot be undone: the id has to be typed. */
  isFinal?: true;
  /** What becomes of messages has to be chosen. */
  asksMessages?: true;
  run(given: { reason: string; messages: "clear" | "keep" }): Promise<unknown>;
}

interface Target {
  administration: Administration;
  staff: Staff;
  id: string;
}

/** What can be done to a user now. */
export function actsOnUser(target: Target, isBanned: boolean, isHeld: boolean | undefined): Act[] {
  const { administration, staff, id } = target;
  const ban: Act = isBanned
    ? {
        label: "Lift the ban",
        hint: "They can come back within ten seconds.",
        run: ({ reason }) => staff.unbanUser(id, { reason }),
      }
    : {
        label: "Ban",
        hint: "They are refused everywhere, and their connections end within ten seconds.",
        run: ({ reason }) => staff.banUser(id, { reason }),
      };
  const erase: Act = {
    label: "Erase",
    hint: "Nothing names them any more: profile, devices, settings and blocks are removed. This cannot be undone.",
    isFinal: true,
    asksMessages: true,
    run: ({ messages, reason }) => administration.eraseUser(id, messages, reason),
  };
  return [ban, exporting("users", target), ...holding("users", target, isHeld), erase];
}

/** What can be done to a conversation now. */
export function actsOnConversation(target: Target, isHeld: boolean | undefined): Act[] {
  const { administration, id } = target;
  const remove: Act = {
    label: "Delete",
    hint: "Everything of it is removed, and its id is never used again. This cannot be undone.",
    isFinal: true,
    run: ({ reason }) => administration.deleteConversation(id, reason),
  };
  return [exporting("conversations", target), ...holding("conversations", target, isHeld), remove];
}

function exporting(what: Subject, { administration, id }: Target): Act {
  return {
    label: "Export",
    hint: "An archive is written; its link appears with the jobs. It is removed after seven days.",
    run: ({ reason }) => administration.export(what, id, reason),
  };
}

/** Where it is not known whether a hold stands, both are offered: neither does harm twice. */
function holding(
  what: Subject,
  { administration, id }: Target,
  isHeld: boolean | undefined,
): Act[] {
  const hold: Act = {
    label: "Place a legal hold",
    hint: "Nothing is removed by retention, and deletion and erasure are refused, until it is lifted.",
    run: ({ reason }) => administration.setHold(what, id, true, reason),
  };
  const lift: Act = {
    label: "Lift the legal hold",
    hint: "What was due meanwhile is removed.",
    run: ({ reason }) => administration.setHold(what, id, false, reason),
  };
  return isHeld === undefined ? [hold, lift] : isHeld ? [lift] : [hold];
}

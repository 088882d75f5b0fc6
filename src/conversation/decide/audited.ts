import type { Member } from "../../domain/conversation.ts";
import { parseMessageId } from "../../domain/id.ts";
import { type Actor, isStaff } from "../../domain/policy.ts";
import type { LocalAct } from "../tables/audit.ts";
import type { Answer, Command, CommandRequest, Decision, State } from "./types.ts";

/**
 * A decision with what the audit log is to have of it: whatever a moderator or staff does to others or to
 * the conversation, and nothing that members do with what is theirs. An act has a revision of its own where
 * the decision takes none.
 */
export function audited(state: State, request: CommandRequest, decision: Decision): Decision {
  const { changes, effects = [], counters, answer } = decision;
  if (changes.length === 0 && effects.length === 0) return decision;
  const what = whatIsDone(request, answer);
  if (!what) return decision;
  const { actor } = request;
  const actorRole = roleOf(actor, state.member(actor.userId));
  const act = { at: state.clock, actorId: actor.userId, actorRole, ...what };
  const takesRevision = counters.rev > state.counters.rev;
  const rev = takesRevision ? counters.rev : counters.rev + 1;
  return {
    ...decision,
    counters: { ...counters, rev },
    effects: [...effects, { type: "audit", rev, act }],
    answer: takesRevision ? answer : { ...answer, rev },
  };
}

type Done = Pick<LocalAct, "action" | "targetId" | "messageNumber" | "reason" | "details">;

/** What the log says of a command; `undefined`: nothing. */
function whatIsDone({ actor, command }: CommandRequest, answer: Answer): Done | undefined {
  switch (command.type) {
    case "delete": {
      const { message } = answer;
      if (message?.deletedBy === undefined) return undefined;
      const targetId = message.senderId ?? undefined;
      return { action: "message.delete", targetId, messageNumber: message.number };
    }
    case "add":
      return { action: "member.add", targetId: command.person?.userId };
    case "remove":
    case "expel":
      if (command.userId === actor.userId) return undefined;
      return { action: "member.remove", targetId: command.userId };
    case "invite":
    case "uninvite":
      return { action: `member.${command.type}`, targetId: command.userId };
    case "promote":
    case "demote": {
      const role = command.type === "promote" ? "moderator" : "member";
      return { action: "member.role", targetId: command.userId, details: { role } };
    }
    case "ban": {
      const { userId: targetId, reason, until } = command;
      return { action: "member.ban", targetId, reason, details: endingAt(until) };
    }
    case "mute":
      return {
        ...{ action: "member.mute", targetId: command.userId, reason: command.reason },
        details: endingAt(command.until),
      };
    case "unban":
    case "unmute":
      return { action: `member.${command.type}`, targetId: command.userId };
    case "pin":
    case "unpin": {
      const messageNumber = parseMessageId(command.messageId)?.number;
      return { action: `message.${command.type}`, messageNumber };
    }
    case "update":
      return { action: "conversation.update", details: changesOf(command) };
    case "close":
    case "reopen":
      return { action: `conversation.${command.type}` };
    default:
      return undefined;
  }
}

/** Why they may: by their role here, or by that of their token. */
function roleOf(actor: Actor, member: Member | undefined): LocalAct["actorRole"] {
  if (member?.leftAt === null && member.role !== "member") return member.role;
  return isStaff(actor) ? actor.role : "user";
}

function endingAt(until: number | null): Record<string, unknown> | undefined {
  return until === null ? undefined : { until: new Date(until).toISOString() };
}

function changesOf(command: Extract<Command, { type: "update" }>): Record<string, unknown> {
  const { title, description, slowModeSeconds, locked, retentionDays } = command;
  return Object.fromEntries(
    Object.entries({ title, description, slowModeSeconds, locked, retentionDays }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

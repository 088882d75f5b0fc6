import { ok, type Result, unreachable } from "../../domain/error.ts";
import { decideArchiveForMember } from "./archive-for-member.ts";
import { decideBlocks } from "./blocks.ts";
import {
  decideCloseChannel,
  decideExpel,
  decideInvite,
  decideJoin,
  decideLeave,
  decideUninvite,
} from "./channel.ts";
import { decideDelete } from "./delete.ts";
import { decideEdit } from "./edit.ts";
import { decideErasure } from "./erase.ts";
import { decideAdd, decideRemove } from "./group.ts";
import { withAbuseLimits } from "./limits.ts";
import { decidePin, decideRole, decideUpdate } from "./moderate.ts";
import { decidePurge } from "./purge.ts";
import { decideReaction } from "./react.ts";
import { decideRead } from "./read.ts";
import { decideAccept, decideDecline } from "./request.ts";
import { decideBan, decideMute, decideUnban, decideUnmute } from "./restrain.ts";
import { decideHold, decideRetain } from "./retain.ts";
import { decideSend } from "./send.ts";
import type { CommandRequest, Decision, State } from "./types.ts";

/**
 * Decides a command against a state: the decision, or why it is refused. Pure: no clock, no I/O,
 * nothing asynchronous. `now` is in milliseconds since the epoch and not before the newest message;
 * it dates what is stored. Limits use `state.clock`.
 */
export function decide(state: State, request: CommandRequest, now: number): Result<Decision> {
  if (request.refused) return request.refused;
  const decided = decideWithoutLimits(state, request, now);
  return decided.ok ? withAbuseLimits(state, request, decided.value) : decided;
}

function decideWithoutLimits(state: State, request: CommandRequest, now: number): Result<Decision> {
  const { actor, command } = request;
  switch (command.type) {
    case "send":
      return decideSend(state, actor, command, now);
    case "edit":
      return decideEdit(state, actor, command, now);
    case "delete":
      return decideDelete(state, actor, command, now);
    case "read":
      return decideRead(state, actor, command, now);
    case "archive":
      return decideArchiveForMember(state, actor, command);
    case "react":
    case "unreact":
      return decideReaction(state, actor, command);
    case "accept":
      return decideAccept(state, actor);
    case "decline":
      return decideDecline(state, actor, now);
    case "add":
      return decideAdd(state, actor, command, now);
    case "remove":
      return decideRemove(state, actor, command, now);
    case "join":
      return decideJoin(state, actor, command, now);
    case "leave":
      return decideLeave(state, actor, now);
    case "invite":
      return decideInvite(state, actor, command.userId, command.known);
    case "uninvite":
      return decideUninvite(state, actor, command.userId);
    case "expel":
      return decideExpel(state, actor, command.userId, now);
    case "promote":
    case "demote":
      return decideRole(state, actor, command.userId, command.type === "promote", now);
    case "update":
      return decideUpdate(state, actor, command);
    case "pin":
    case "unpin":
      return decidePin(state, actor, command);
    case "ban":
      return decideBan(state, actor, command, now);
    case "unban":
      return decideUnban(state, actor, command.userId);
    case "mute":
      return decideMute(state, actor, command, now);
    case "unmute":
      return decideUnmute(state, actor, command.userId, now);
    case "close":
    case "reopen":
      return decideCloseChannel(state, actor, command.type === "close", now);
    case "purge":
      return decidePurge(state, command);
    case "hold":
      return decideHold(state, command);
    case "retain":
      return decideRetain(state, command.days);
    case "blocks":
      return decideBlocks(state, command.blocks);
    case "erase-member":
    case "erase-message":
    case "erase-reaction":
      return ok(decideErasure(state, command, now));
    default:
      return unreachable(command);
  }
}

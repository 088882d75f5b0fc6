import { KINDS, type Kind, type Member, ROLES, type Role } from "./conversation.ts";
import { type ChatError, chatError, type ErrorCode } from "./error.ts";

export const PLATFORM_ROLES = ["admin", "service", "resolver", "support", "user"] as const;
/**
 * A person's role in their token, independent of any conversation. `service`: no person, but the host
 * application, which manages members and writes as the system, and reads nothing that outsiders do not.
 */
export type PlatformRole = (typeof PLATFORM_ROLES)[number];

/** The person who acts, as verified from their token. */
export interface Actor {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
  role: PlatformRole;
  /**
   * `staff`: the caller uses an API in which admins and resolvers reach any chat (the marketplace
   * reference). `operator`: they use the admin API, where each act has a reason and is logged. Otherwise `member`:
   * only membership counts, whatever the token's role.
   */
  reach: "member" | "staff" | "operator";
  /** The kinds of conversation that the caller's API has; absent: all. */
  kinds?: readonly Kind[];
}

/** Who may do something, and what the others are told. */
export interface Rule {
  /** Kinds of conversation that have it; absent: all. */
  kinds?: readonly Kind[];
  /**
   * What it is refused with in other kinds, after who is no member has been told so; absent: it is refused as
   * if there were no such conversation, to everybody.
   */
  elsewhere?: ErrorCode;
  /** Members who may; absent: all. */
  roles?: readonly Role[];
  /** What other members are told; absent: `forbidden`. */
  otherwise?: ErrorCode;
  /** Who may without being a member, where the caller's API lets staff reach any chat. */
  staff?: readonly PlatformRole[];
  /** Whether staff may in all kinds. */
  staffEverywhere?: true;
  /** The kinds in which admins may over the admin API, members or not. */
  operator?: readonly Kind[];
  /** Whether services may, over any API. Membership gives them nothing. */
  service?: true;
  /** Whether those may who are no members: all of them, or where anyone may find the conversation. */
  outsiders?: "all" | "if public";
  /**
   * It adds to what all see: not between people who block each other, and not for members who are muted, nor in a
   * locked conversation, unless they have a role.
   */
  writes?: true;
}

const MODERATORS = ["owner", "moderator"] as const;
const OWNER = ["owner"] as const;
/** Kinds of conversation that have moderators. */
const MODERATED = ["group", "channel"] as const;
/**
 * Kinds that an admin can lock: nobody but an owner or moderators writes then. In support chats the owner is who
 * needs support.
 */
const LOCKABLE = ["direct", "group", "channel", "purchase-request"] as const;
const OF_GROUPS = { kinds: ["group"], elsewhere: "not_a_group" } as const;
const OF_CHANNELS = { kinds: ["channel"] } as const;
const OF_MODERATED = { kinds: MODERATED, elsewhere: "not_moderated" } as const;

/** Who may do what: the one place that says so. Anything not listed is refused. */
export const POLICY = {
  /** See that it exists, and what it is. */
  see: { staff: ["admin", "resolver"], operator: KINDS, outsiders: "if public" },
  read: { staff: ["admin", "resolver"], operator: KINDS },
  /** A service sends as the system. */
  send: { staff: ["admin", "resolver"], service: true, writes: true },
  /** Show the others that one types. */
  type: { staff: ["admin", "resolver"], writes: true },
  mark: {},
  /** Set one's own flag. */
  flag: {},
  /** One's own message. */
  edit: { writes: true },
  /** One's own message. */
  delete: { staff: ["admin"], operator: KINDS },
  /** Somebody else's message. */
  deleteOthers: {
    ...{ kinds: MODERATED, elsewhere: "not_the_author" },
    ...{ roles: MODERATORS, otherwise: "not_the_author" },
    ...{ staff: ["admin"], staffEverywhere: true, operator: KINDS },
  },
  react: { writes: true },
  /** Leave a group. */
  leave: OF_GROUPS,
  /** Add people to a group, and remove them. */
  manage: { ...OF_GROUPS, roles: MODERATORS, staff: ["admin"], service: true },
  /** Join a channel. */
  join: { ...OF_CHANNELS, outsiders: "all" },
  /** Leave a channel; those who are not in it are told so. */
  part: { ...OF_CHANNELS, outsiders: "all" },
  /** Invite to a channel, and expel from it. */
  admit: { ...OF_CHANNELS, roles: MODERATORS, service: true },
  /** Title and description, slow mode, lock, pins. */
  moderate: { ...OF_MODERATED, roles: MODERATORS, operator: LOCKABLE },
  /** Ban people and see who is banned; mute members. */
  restrain: { ...OF_MODERATED, roles: MODERATORS, staff: ["admin"] },
  /** Choose moderators. */
  own: { ...OF_MODERATED, roles: OWNER },
  /** Close a channel and reopen it. */
  close: { ...OF_CHANNELS, roles: OWNER, operator: ["channel"] },
  /** Mention all members at once. */
  mentionAll: { roles: MODERATORS, staff: ["admin"] },
} as const satisfies Record<string, Rule>;

export type Action = keyof typeof POLICY;

export interface Facts {
  kind: Kind;
  /** The actor's membership; absent if they were never a member. */
  member: Pick<Member, "role" | "leftAt"> | undefined;
  /** Whether anyone may find and join the conversation. */
  isPublic: boolean;
  /** Whether the actor may not be here, until the ban ends. */
  isBanned?: boolean;
  /** Until when the actor may only read, in milliseconds from now; absent: they may write. */
  mutedForMs?: number;
  /** Whether only the owner and moderators write. */
  isLocked?: boolean;
  /** Whether the actor blocks the other one, or is blocked, where that keeps both from writing. */
  mayNotContact?: boolean;
}

const RULES: Readonly<Record<Action, Rule>> = POLICY;
const STAFF = new Set(Object.values(RULES).flatMap(({ staff }) => staff ?? []));

/** Whether the actor could reach a conversation without being a member: such access is logged. */
export function isStaff(actor: Actor): boolean {
  if (isOperator(actor)) return true;
  return actor.reach === "staff" && STAFF.has(actor.role);
}

/** Whether the actor may do this whether they are a member or not. */
export function mayAsStaff(actor: Actor, action: Action): boolean {
  if (isOperator(actor)) return RULES[action].operator !== undefined;
  return actor.reach === "staff" && RULES[action].staff?.includes(actor.role) === true;
}

/** Whether the actor is an admin who uses the admin API. */
export function isOperator({ reach, role }: Pick<Actor, "reach" | "role">): boolean {
  return reach === "operator" && role === "admin";
}

/** Whether the actor is the host application, which is no member of anything. */
export function isService({ role }: Pick<Actor, "role">): boolean {
  return role === "service";
}

function mayAsService(actor: Actor, action: Action): boolean {
  return isService(actor) && RULES[action].service === true;
}

/** Why the actor may not do this; `undefined` if they may. */
export function refusal(actor: Actor, action: Action, facts: Facts): ChatError | undefined {
  return admissionRefusal(actor, action, facts) ?? restriction(actor, action, facts);
}

/** The same, whether they may write at this time or not: what a retry of a send needs to be answered. */
export function admissionRefusal(
  actor: Actor,
  action: Action,
  facts: Facts,
): ChatError | undefined {
  const rule = RULES[action];
  const { kind, member } = facts;
  if (actor.kinds && !actor.kinds.includes(kind)) return chatError("conversation_not_found");
  const asStaff = mayAsStaff(actor, action);
  if (isOperator(actor) ? rule.operator?.includes(kind) : asStaff && rule.staffEverywhere) {
    return undefined;
  }
  const isElsewhere = rule.kinds !== undefined && !rule.kinds.includes(kind);
  if (isElsewhere && !rule.elsewhere) return chatError("conversation_not_found");
  const asService = mayAsService(actor, action);
  const isPresent = member?.leftAt === null && !isService(actor);
  const mayKnowKind = asStaff || asService || (isElsewhere && mayAsStaff(actor, "read"));
  if (!isPresent && !mayKnowKind) {
    if (rule.outsiders === "if public" && facts.isPublic) return undefined;
    if (facts.isBanned) return chatError("banned_here");
    if (rule.outsiders !== "all" || isService(actor)) return chatError("not_a_member");
  }
  if (isElsewhere) return chatError(rule.elsewhere ?? "conversation_not_found");
  if (asStaff || asService || !isPresent || !rule.roles || rule.roles.includes(member.role))
    return undefined;
  return chatError(rule.otherwise ?? "forbidden");
}

/** Why the actor may not write right now: a block, also of staff; they are muted, or only those with a role may. */
export function restriction(actor: Actor, action: Action, facts: Facts): ChatError | undefined {
  if (!RULES[action].writes) return undefined;
  if (facts.mayNotContact) return chatError("cannot_contact");
  if (mayAsStaff(actor, action) || isService(actor)) return undefined;
  if (facts.member?.role !== "member") return undefined;
  if (facts.mutedForMs !== undefined) return chatError("muted", { retryAfterMs: facts.mutedForMs });
  return facts.isLocked ? chatError("conversation_locked") : undefined;
}

/** Whether one member's role is above another's: bans and mutes are for those below. */
export function outranks(one: Role, other: Role): boolean {
  return ROLES.indexOf(one) < ROLES.indexOf(other);
}

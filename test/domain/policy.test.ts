import { describe, expect, test } from "vitest";
import { KINDS, ROLES, type Role } from "../../src/domain/conversation.ts";
import {
  type Action,
  type Actor,
  type Facts,
  PLATFORM_ROLES,
  type PlatformRole,
  POLICY,
  refusal,
} from "../../src/domain/policy.ts";

const EVERY_MEMBER: readonly Action[] = [
  ...(["see", "read", "send", "mark", "flag", "edit", "delete", "react", "leave"] as const),
];
const ACTIONS: readonly Action[] = [...EVERY_MEMBER, "manage", "moderate", "own", "mentionAll"];

const BY_ROLE: Record<Role, readonly Action[]> = {
  owner: ACTIONS,
  moderator: [...EVERY_MEMBER, "manage", "moderate", "mentionAll"],
  member: EVERY_MEMBER,
};

/**
 * What staff may do in a conversation of which they are not members, where the reference allows
 * access.
 */
const STAFF: Record<PlatformRole, readonly Action[]> = {
  admin: ["see", "read", "send", "delete", "manage", "mentionAll"],
  service: ["send", "manage"],
  resolver: ["see", "read", "send"],
  support: [],
  user: [],
};

const outsiders: [string, Facts["member"]][] = [
  ["a user who never was a member", undefined],
  ...ROLES.map((role): [string, Facts["member"]] => [
    `a former ${role}`,
    { role, leftAt: 1_700_000_000_000 },
  ]),
];

function actor(role: PlatformRole, reach: Actor["reach"]): Actor {
  return { userId: "ada", name: null, avatarUrl: null, role, reach };
}

function allowed(who: Actor, member: Facts["member"], isPublic = false): Action[] {
  const facts: Facts = { kind: "group", member, isPublic };
  return ACTIONS.filter((action) => refusal(who, action, facts) === undefined);
}

const OF_PEOPLE = PLATFORM_ROLES.filter((role) => role !== "service");

describe.each(OF_PEOPLE)("a platform role of %s", (role) => {
  test("adds nothing to membership where only membership counts", () => {
    for (const memberRole of ROLES) {
      const member = { role: memberRole, leftAt: null };
      expect(allowed(actor(role, "member"), member)).toEqual(BY_ROLE[memberRole]);
    }
  });

  test("does not reduce a member's rights where staff have access", () => {
    for (const memberRole of ROLES) {
      const may = allowed(actor(role, "staff"), { role: memberRole, leftAt: null });
      expect(new Set(may)).toEqual(new Set([...BY_ROLE[memberRole], ...STAFF[role]]));
    }
  });

  test.each(outsiders)("gives no access to %s by itself", (_, member) => {
    expect(allowed(actor(role, "member"), member)).toEqual([]);
  });

  test.each(outsiders)(
    "gives %s, where staff have access, what the reference allows",
    (_, member) => {
      expect(allowed(actor(role, "staff"), member)).toEqual(STAFF[role]);
    },
  );
});

describe("a service", () => {
  const everybody: Facts["member"][] = [
    undefined,
    ...ROLES.flatMap((role) => [
      { role, leftAt: null },
      { role, leftAt: 1_700_000_000_000 },
    ]),
  ];

  test.each(KINDS)("may act in a %s, and reads nothing, whatever its id is a member of", (kind) => {
    const acts = ["send", ...(kind === "group" ? ["manage"] : kind === "channel" ? ["admit"] : [])];
    for (const reach of ["member", "staff"] as const) {
      for (const member of everybody) {
        for (const isPublic of [false, true]) {
          const facts: Facts = { kind, member, isPublic, isLocked: true, mutedForMs: 1 };
          const may = Object.keys(POLICY).filter(
            (action) => !refusal(actor("service", reach), action as Action, facts),
          );
          expect(may.sort()).toEqual([...acts, ...(isPublic ? ["see"] : [])].sort());
        }
      }
    }
  });
});

test.each(KINDS)(
  "an admin over the admin API reads, deletes, and closes or locks a %s, and no more",
  (kind) => {
    const locks = kind === "support" ? [] : ["moderate"];
    const closes = kind === "channel" ? ["close"] : [];
    const expected = ["see", "read", "delete", "deleteOthers", ...locks, ...closes].toSorted();
    const may = (role: PlatformRole) =>
      Object.keys(POLICY).filter((action) => {
        const facts: Facts = { kind, member: undefined, isPublic: false };
        const isRefused = (who: Actor) => refusal(who, action as Action, facts) !== undefined;
        // Anybody may join.
        return !isRefused(actor(role, "operator")) && isRefused(actor("user", "member"));
      });
    expect(may("admin").toSorted()).toEqual(expected);
    for (const role of OF_PEOPLE) if (role !== "admin") expect(may(role)).toEqual([]);
  },
);

test("everyone may see a public conversation, and do nothing else", () => {
  expect(allowed(actor("user", "member"), undefined, true)).toEqual(["see"]);
});

test("a kind that does not exist in the caller's dialect is not found, also for members", () => {
  const facts: Facts = {
    kind: "channel",
    member: { role: "owner", leftAt: null },
    isPublic: true,
  };
  const caller: Actor = { ...actor("admin", "staff"), kinds: ["direct", "group"] };
  for (const action of ACTIONS) {
    expect(refusal(caller, action, facts)?.code).toBe("conversation_not_found");
  }
});

test("a member without the required role is forbidden, a stranger is not a member", () => {
  const member: Facts = {
    kind: "channel",
    member: { role: "member", leftAt: null },
    isPublic: true,
  };
  expect(refusal(actor("user", "member"), "own", member)?.code).toBe("forbidden");
  const stranger: Facts = { ...member, member: undefined };
  expect(refusal(actor("user", "member"), "own", stranger)?.code).toBe("not_a_member");
});

test("a block between two people keeps both from writing, staff among them, and from nothing else", () => {
  const facts: Facts = {
    ...{ kind: "direct", isPublic: false, mayNotContact: true },
    member: { role: "member", leftAt: null },
  };
  for (const one of [actor("user", "member"), actor("admin", "staff")]) {
    const refused = (action: Action) => refusal(one, action, facts)?.code === "cannot_contact";
    const everything = [
      "send",
      "type",
      "edit",
      "react",
      "see",
      "read",
      "mark",
      "flag",
      "delete",
    ] as const;
    expect(everything.filter(refused)).toEqual(["send", "type", "edit", "react"]);
  }
});

import { describe, expect, test } from "vitest";
import { ROLES } from "../../src/domain/conversation.ts";
import {
  type Action,
  type Actor,
  type Facts,
  PLATFORM_ROLES,
  type PlatformRole,
  refusal,
} from "../../src/domain/policy.ts";

const ACTIONS: readonly Action[] = ["read", "send", "mark", "edit", "delete", "type"];
const REACHES: readonly Actor["reach"][] = ["member", "staff"];

/** What staff may do in a conversation that they are not in, where the reference lets them in. */
const STAFF: Record<PlatformRole, readonly Action[]> = {
  admin: ["read", "send", "delete"],
  resolver: ["read", "send"],
  support: [],
  user: [],
};

const outsiders: [string, Facts["member"]][] = [
  ["someone who never was a member", undefined],
  ...ROLES.map((role): [string, Facts["member"]] => [
    `a former ${role}`,
    { role, leftAt: 1_700_000_000_000 },
  ]),
];

function actor(role: PlatformRole, reach: Actor["reach"]): Actor {
  return { userId: "ada", name: null, avatarUrl: null, role, reach };
}

function allowed(who: Actor, member: Facts["member"]): Action[] {
  return ACTIONS.filter((action) => refusal(who, action, { member }) === undefined);
}

describe.each(PLATFORM_ROLES)("a platform role of %s", (role) => {
  test("takes nothing from a member and adds nothing", () => {
    for (const reach of REACHES) {
      for (const memberRole of ROLES) {
        expect(allowed(actor(role, reach), { role: memberRole, leftAt: null })).toEqual(ACTIONS);
      }
    }
  });

  test.each(outsiders)("opens nothing to %s by itself", (_, member) => {
    expect(allowed(actor(role, "member"), member)).toEqual([]);
  });

  test.each(outsiders)("opens to %s, where staff come in, what the reference says", (_, member) => {
    expect(allowed(actor(role, "staff"), member)).toEqual(STAFF[role]);
  });
});

test("a refusal says that only members may", () => {
  expect(refusal(actor("user", "member"), "read", { member: undefined })).toEqual({
    code: "not_a_member",
    message: "Only members of this conversation may do this.",
  });
});

test("whoever left at the very beginning of time has left", () => {
  const facts: Facts = { member: { role: "owner", leftAt: 0 } };
  expect(refusal(actor("user", "member"), "read", facts)?.code).toBe("not_a_member");
});

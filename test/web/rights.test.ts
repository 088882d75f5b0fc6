import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Conversation } from "../../src/client/conversation.ts";
import type { WireConversation, WireMember } from "../../src/client/received.ts";
import { moderatesIn, outranks, roleIn, silenceOf } from "../../src/web/page/model/rights.ts";

/** What the page offers to whom. */

const NOW = new Date("2026-11-28T12:00:00Z");
const ROLES = ["owner", "moderator", "member"] as const;
type Role = (typeof ROLES)[number];

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW }));
afterEach(() => void vi.useRealTimers());

function member(userId: string, role: Role, mutedUntil?: string): WireMember {
  const joinedAt = "2026-11-01T00:00:00Z";
  const rest = { name: null, avatarUrl: null, joinedAt, leftAt: null, rev: 1 };
  return { userId, role, ...rest, ...(mutedUntil && { mutedUntil }) };
}

function conversationOf(
  role: Role,
  info: Partial<WireConversation> = {},
  mutedUntil?: string,
): Pick<Conversation, "info" | "you" | "members"> {
  const conversation: WireConversation = {
    ...{ id: "c", kind: "group", title: null, description: null, visibility: "private" },
    ...{ createdBy: "me", createdAt: "2026-11-01T00:00:00Z", archivedAt: null },
    ...{ memberCount: 2, lastNumber: 0, rev: 1 },
    ...info,
  };
  const members = new Map([["me", member("me", role, mutedUntil)]]);
  return { info: conversation, you: { userId: "me", role: "member" }, members };
}

test("a role that has changed since the connection began is the present one", () => {
  expect(roleIn(conversationOf("moderator"))).toBe("moderator");
  const unlisted = { ...conversationOf("owner"), members: new Map() };
  expect(roleIn(unlisted)).toBe("member");
});

test.each(["direct", "support", "purchase-request"])(
  "nobody moderates a %s conversation",
  (kind) => {
    expect(moderatesIn(conversationOf("owner", { kind }))).toBe(false);
  },
);

describe.each(["group", "channel"])("in a %s", (kind) => {
  const expected = {
    owner: { owner: false, moderator: true, member: true },
    moderator: { owner: false, moderator: false, member: true },
    member: { owner: false, moderator: false, member: false },
  };
  const cases = ROLES.flatMap((mine) => ROLES.map((theirs) => [mine, theirs] as const));
  test.each(cases)("%s over %s", (mine, theirs) => {
    const conversation = conversationOf(mine, { kind });
    expect(outranks(conversation, member("other", theirs))).toBe(expected[mine][theirs]);
    expect(outranks(conversation, member("me", theirs))).toBe(false);
  });

  test.each(ROLES)("%s over somebody who is not loaded", (mine) => {
    expect(outranks(conversationOf(mine, { kind }), undefined)).toBe(mine !== "member");
  });
});

describe("who cannot write", () => {
  test.each([
    ["everybody in an archived channel", "owner", { archivedAt: NOW.toISOString() }, /archived/],
    ["members where it is locked", "member", { locked: true }, /Only moderators/],
    ["not its moderators", "moderator", { locked: true }, undefined],
    ["not members elsewhere", "member", {}, undefined],
  ] as const)("%s", (_, role, info, text) => {
    const said = silenceOf(conversationOf(role, info));
    if (text) expect(said).toMatch(text);
    else expect(said).toBeUndefined();
  });

  test("somebody who is muted, until it is over", () => {
    const muted = conversationOf("member", {}, "2026-11-28T12:00:01Z");
    expect(silenceOf(muted)).toMatch(/^You can only read here until /);
    vi.setSystemTime("2026-11-28T12:00:01Z");
    expect(silenceOf(muted)).toBeUndefined();
  });
});

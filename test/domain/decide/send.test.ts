import { describe, expect, test } from "vitest";
import type { Command } from "../../../src/conversation/decide/types.ts";
import type { Attachment } from "../../../src/domain/attachment.ts";
import { messageIdOf } from "../../../src/domain/id.ts";
import { accepted, id, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { ELSEWHERE, MemoryState, NOW } from "./state.ts";

type Send = Extract<Command, { type: "send" }>;

const stateOf = () => new MemoryState("channel", { ada: "owner", bob: "member" });

function send(content: string, more: Partial<Send> = {}): Send {
  return { type: "send", kind: "text", content, maxLength: 10, ...more };
}

function file(mimeType: string, key = "k1"): Attachment {
  return { key, name: "name", mimeType, size: 1 };
}

describe("a send is refused with", () => {
  const close = (state: MemoryState) => state.become({ archivedAt: NOW });
  testRefusals(stateOf, [
    ["empty_content", "white space", user("ada"), send(" \n ")],
    ["empty_content", "no content and no files", user("ada"), { ...send(""), content: undefined }],
    ["content_too_long", "one code point too many", user("ada"), send("x".repeat(11))],
    ["content_too_long", "a caption", user("ada"), send("x".repeat(11), files("image/png"))],
    ["control_characters", "a control character", user("ada"), send("a\u0000b")],
    ["control_characters", "half a surrogate pair", user("ada"), send("a\ud800")],
    ["empty_content", "a stranger's empty text: the text is checked first", user("eve"), send("")],
    ["not_a_member", "a stranger", user("eve"), send("a")],
    [
      "not_a_member",
      "a former member",
      user("bob"),
      send("a"),
      (state) => state.put({ userId: "bob", leftAt: NOW }),
    ],
    ["not_a_member", "support staff", staff("sue", "support"), send("a")],
    ["not_a_member", "an admin with member reach", user("eve", { role: "admin" }), send("a")],
    [
      "conversation_not_found",
      "a kind that does not exist where they came in",
      user("ada", { kinds: ["direct"] }),
      send("a"),
    ],
    ["channel_archived", "a closed channel", user("ada"), send("a"), close],
    ["channel_archived", "before its reply is checked", user("ada"), send("a", reply("x")), close],
    ["invalid_reply", "no message id", user("ada"), send("a", reply("x"))],
    ["invalid_reply", "a message that does not exist yet", user("ada"), send("a", reply(id(1)))],
    [
      "invalid_reply",
      "another conversation's message",
      user("ada"),
      send("a", reply(messageIdOf(ELSEWHERE, 1))),
      (state) => void state.post("bob"),
    ],
    [
      "rate_limited",
      "before its claim is checked",
      user("ada"),
      send("a", { claim: "c", ...files("image/png") }),
      (state) => {
        state.voided.add("c");
        state.sends.set("ada", Array(5).fill(NOW));
      },
    ],
    [
      "unknown_attachments",
      "a claim that was voided",
      user("ada"),
      send("a", { claim: "c", ...files("image/png") }),
      (state) => void state.voided.add("c"),
    ],
  ]);

  function reply(replyTo: string) {
    return { replyTo };
  }
});

function files(...mimeTypes: string[]) {
  return { attachments: mimeTypes.map((mimeType, index) => file(mimeType, `k${index}`)) };
}

describe("a send", () => {
  test("takes the next number and revision, and is read by its sender", () => {
    const state = stateOf();
    expect(accepted(state, user("ada"), send(" hello\r\n "))).toEqual({
      changes: [{ type: "message", cause: "created", message: messageOf({ content: "hello" }) }],
      counters: {
        ...state.counters,
        ...{ rev: 4, lastNumber: 1, counted: 1, lastCounted: 1, lastCreatedAt: NOW },
      },
      effects: [],
      figures: [{ userId: "ada", figures: { readUpTo: 1, readBeyond: 0 } }],
      answer: {
        rev: 4,
        message: messageOf({ content: "hello" }),
        rate: { allowed: true, limit: 5, remaining: 4, resetMs: 60_000 },
      },
    });
  });

  test("keeps its reply, metadata and key", () => {
    const state = stateOf();
    state.post("bob");
    const more = { replyTo: id(1), metadata: { a: 1 }, clientMessageId: "k" };
    expect(accepted(state, user("ada"), send("hi", more)).changes).toMatchObject([
      { message: { number: 2, replyTo: 1, metadata: { a: 1 }, clientMessageId: "k" } },
    ]);
  });

  test("after unread messages raises readBeyond", () => {
    const state = stateOf();
    state.post("bob");
    expect(accepted(state, user("ada"), send("hi")).figures).toEqual([
      { userId: "ada", figures: { readUpTo: 0, readBeyond: 1 } },
    ]);
  });

  test("stores the clock where it is behind the newest message", () => {
    const state = stateOf();
    state.clock = NOW - 5;
    const [change] = accepted(state, user("ada"), send("hi"), NOW).changes;
    expect(change).toMatchObject({ message: { createdAt: NOW, clockAt: NOW - 5 } });
  });

  test("of kind system by a participant has a sender and is counted", () => {
    const decision = accepted(stateOf(), user("ada"), send("hi", { kind: "system" }));
    expect(decision.changes).toMatchObject([{ message: { kind: "system", senderId: "ada" } }]);
    expect(decision.counters.counted).toBe(1);
  });

  test.each([
    ["image", ["image/png", "image/jpeg"]],
    ["video", ["video/mp4", "video/webm"]],
    ["file", ["image/png", "video/mp4"]],
    ["file", ["application/pdf"]],
  ])("is of the kind %s with %j", (kind, mimeTypes) => {
    const attached = files(...mimeTypes);
    const decision = accepted(stateOf(), user("ada"), send("", { claim: "c", ...attached }));
    expect(decision.changes).toMatchObject([
      { message: { kind, content: "", ...attached }, digest: expect.stringMatching(/^.{22}$/) },
    ]);
    expect(decision.effects).toEqual([
      { type: "files-sent", claim: "c", number: 1, keys: mimeTypes.map((_, i) => `k${i}`) },
    ]);
  });

  test.each(["admin", "resolver"] as const)("of staff (%s) changes nobody's figures", (role) => {
    expect(accepted(stateOf(), staff("sue", role), send("hi")).figures).toEqual([]);
  });

  function messageOf(more: object) {
    return {
      ...{ number: 1, rev: 4, senderId: "ada", kind: "text", replyTo: null, attachments: [] },
      ...{ reactions: [], metadata: null, clientMessageId: null, createdAt: NOW },
      ...{ editedAt: null, deletedAt: null },
      ...more,
    };
  }
});

describe("a send under a clientMessageId that was used", () => {
  const key = { clientMessageId: "k" };
  const original = send("hello", { ...key, metadata: { a: 1, b: [{ c: 2, d: 3 }] } });

  function sentOnce(command: Send = original): MemoryState {
    const state = stateOf();
    state.post("bob");
    state.apply(accepted(state, user("ada"), command), "ada");
    return state;
  }

  test("changes nothing, is not rate limited and returns the message", () => {
    const state = sentOnce();
    expect(accepted(state, user("ada"), original)).toEqual({
      changes: [],
      counters: state.counters,
      answer: {
        rev: 5,
        message: state.message(2),
        deduplicated: true,
        rate: { allowed: true, limit: 5, remaining: 4, resetMs: 60_000 },
      },
    });
  });

  const same: [string, Partial<Send>, ((state: MemoryState) => void)?][] = [
    ["metadata in another order", { metadata: { b: [{ d: 3, c: 2 }], a: 1 } }],
    ["other white space around it", { content: " hello\n" }],
    ["the limit used up", {}, (state) => state.sends.set("ada", Array(5).fill(NOW))],
    ["the channel closed", {}, (state) => state.become({ archivedAt: NOW })],
    ["the message edited since", {}, edit],
    [
      "the message deleted since",
      {},
      (state) =>
        state.apply(accepted(state, user("ada"), { type: "delete", messageId: id(2) }), "ada"),
    ],
  ];
  test.each(same)("is deduplicated with %s", (_, more, given) => {
    const state = sentOnce();
    given?.(state);
    const decision = accepted(state, user("ada"), { ...original, ...more });
    expect(decision.changes).toEqual([]);
    expect(decision.answer).toMatchObject({ deduplicated: true, message: state.message(2) });
  });

  test.each<[string, Partial<Send>]>([
    ["content", { content: "other" }],
    ["metadata", { metadata: { a: 2 } }],
    ["reply", { replyTo: id(1) }],
    ["kind", { kind: "system" }],
    ["files", files("image/png")],
  ])("conflicts with another %s", (_, more) => {
    const conflicting = { ...original, ...more };
    for (const edited of [false, true]) {
      const state = sentOnce();
      if (edited) edit(state);
      expect(refusedWith(state, user("ada"), conflicting)?.code).toBe("idempotency_conflict");
    }
  });

  test("compares files by fingerprint, or by keys without one", () => {
    const first = send("", { ...key, ...files("image/png"), fingerprint: "f" });
    const again = { ...first, attachments: [file("image/png", "uploaded anew")] };
    expect(accepted(sentOnce(first), user("ada"), again).answer.deduplicated).toBe(true);
    const otherwise = { ...first, fingerprint: "g" };
    expect(refusedWith(sentOnce(first), user("ada"), otherwise)?.code).toBe("idempotency_conflict");
    const { fingerprint: _, ...plain } = first;
    expect(accepted(sentOnce(plain), user("ada"), plain).answer.deduplicated).toBe(true);
    expect(
      refusedWith(sentOnce(plain), user("ada"), { ...plain, ...files("image/png", "image/png") })
        ?.code,
    ).toBe("idempotency_conflict");
  });

  test("by another sender is a new message", () => {
    const decision = accepted(sentOnce(), user("bob"), send("other", key));
    expect(decision.changes).toMatchObject([{ cause: "created", message: { number: 3 } }]);
  });

  test("is refused for a former member", () => {
    const state = sentOnce();
    state.put({ userId: "ada", leftAt: NOW });
    expect(refusedWith(state, user("ada"), original)?.code).toBe("not_a_member");
  });

  function edit(state: MemoryState): void {
    const command: Command = { type: "edit", messageId: id(2), content: "edited", maxLength: 10 };
    state.apply(accepted(state, user("ada"), command), "ada");
  }
});

describe("the limit of messages a minute", () => {
  test.each([
    [4, NOW, 0],
    [5, NOW - 60_000, 4],
    [6, NOW - 60_000, 4],
  ])("allows a send after %i sends at %i", (sends, at, remaining) => {
    const state = stateOf();
    state.sends.set("ada", Array(sends).fill(at));
    expect(accepted(state, user("ada"), send("a")).answer.rate?.remaining).toBe(remaining);
  });

  test("refuses a send over the limit with the remaining wait", () => {
    const state = stateOf();
    state.sends.set("ada", [NOW - 59_999, NOW - 10, NOW - 10, NOW, NOW]);
    expect(refusedWith(state, user("ada"), send("a"))).toMatchObject({
      code: "rate_limited",
      message: "At most 5 messages a minute can be sent here.",
      retryAfterMs: 1,
      rate: { allowed: false, limit: 5, remaining: 0, resetMs: 1 },
    });
  });

  test("is per sender and uses the clock", () => {
    const state = stateOf();
    state.sends.set("ada", Array(5).fill(NOW));
    expect(accepted(state, user("bob"), send("a")).changes.length).toBe(1);
    state.clock = NOW + 60_000;
    expect(accepted(state, user("ada"), send("a")).changes.length).toBe(1);
  });
});

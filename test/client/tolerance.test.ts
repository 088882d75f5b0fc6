import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Conversation } from "../../src/client/conversation.ts";
import { connected, created, hello, member, message, sync } from "./fake-server.ts";

/** A client survives what a newer server, or a broken one, sends. */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Problems that a conversation has reported. */
function problemsOf(conversation: Conversation): string[] {
  const problems: string[] = [];
  conversation.on("error", ({ reason }) => problems.push(reason));
  return problems;
}

/** An event as a newer server sends it: as JSON, with changes at any place. */
function newer(event: object, change: (event: never) => void): string {
  const copy = structuredClone(event);
  change(copy as never);
  return JSON.stringify(copy);
}

type Any = Record<string, Record<string, unknown>>;

describe("what a newer server adds", () => {
  test("an unknown event, also with a revision, is ignored and moves no cursor", async () => {
    const { conversation, socket } = connected();
    const problems = problemsOf(conversation);
    const first = await socket(0);
    first.greet(3);
    first.say('{"type":"hologram","rev":12}', '{"type":"weather"}', created(1, 4));
    expect(conversation.messages).toHaveLength(1);
    expect(conversation.cursor.rev).toBe(4);
    first.say('{"type":"hologram","rev":2}');
    expect(conversation.cursor.rev).toBe(4);
    expect([conversation.status.state, problems]).toEqual(["live", []]);
  });

  test("unknown fields are ignored wherever they are", async () => {
    const { conversation, socket } = connected();
    const first = await socket(0);
    const add = (event: Any) => {
      for (const value of [event, ...Object.values(event)]) {
        if (value && typeof value === "object" && !Array.isArray(value))
          Object.assign(value, { novel: 1 });
      }
    };
    first.say(
      newer(hello(1), add),
      newer(sync(1, [message(1, 1)]), add),
      newer(created(2, 2), add),
    );
    expect(conversation.status.state).toBe("live");
    expect(conversation.messages).toEqual([message(1, 1), message(2, 2)]);
  });

  test("an unknown kind, cause or role is kept as it is", async () => {
    const { conversation, socket } = connected();
    const problems = problemsOf(conversation);
    const heard: unknown[] = [];
    conversation.on("message", ({ cause, message }) => heard.push([cause, message.kind]));
    conversation.on("member", ({ cause, member }) => heard.push([cause, member.role]));
    const first = await socket(0);
    const event = { type: "member", rev: 3, cause: "added", member: { ...member("you"), rev: 3 } };
    first.say(
      newer(hello(1), (event: Any) => {
        Object.assign(event["you"] ?? {}, { role: "guest" });
        Object.assign(event["conversation"] ?? {}, { kind: "broadcast", visibility: "secret" });
      }),
      newer({ ...sync(1, [message(1, 1)]), members: [] }, (event: { messages: object[] }) => {
        Object.assign(event.messages[0] ?? {}, { kind: "poll" });
      }),
      newer(created(2, 2), (event: Any) => {
        Object.assign(event, { cause: "imported" });
        Object.assign(event["message"] ?? {}, { kind: "voice" });
      }),
      newer(event, (event: Any) => {
        Object.assign(event, { cause: "merged" });
        Object.assign(event["member"] ?? {}, { role: "guest" });
      }),
    );
    expect(conversation.status.state).toBe("live");
    expect(conversation.you?.role).toBe("guest");
    expect(heard).toEqual([
      ["sync", "poll"],
      ["imported", "voice"],
      ["merged", "guest"],
    ]);
    expect(conversation.cursor.rev).toBe(3);
    expect(problems).toEqual([]);
  });
});

describe("what cannot be read", () => {
  test.each([
    ["not JSON", "{"],
    ["no object", "7"],
    ["no event", '{"rev":9}'],
    ["a message event without its message", '{"type":"message","rev":9,"cause":"created"}'],
    ["a read mark without its reader", '{"type":"read","rev":9,"from":1,"to":1}'],
  ])("%s is skipped and reported once; the socket and the other lines stay", async (_, line) => {
    const { conversation, sockets, socket } = connected();
    const problems = problemsOf(conversation);
    const first = await socket(0);
    first.greet(3);
    for (let i = 0; i < 3; i++) first.say(line, created(i + 1, i + 4), line);
    expect(conversation.messages).toHaveLength(3);
    expect(conversation.cursor.rev).toBe(6);
    expect(conversation.status.state).toBe("live");
    expect(problems).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sockets).toHaveLength(1);
  });

  test("a row of a page is left out, and the rest of the page is taken", async () => {
    const { conversation, socket } = connected();
    const problems = problemsOf(conversation);
    const page = newer(sync(5, [message(1, 1), message(2, 2)]), (page: { messages: Any[] }) => {
      Reflect.deleteProperty(page.messages[0] ?? {}, "content");
    });
    (await socket(0)).say(hello(5), page);
    expect(conversation.messages.map(({ number }) => number)).toEqual([2]);
    expect(conversation.cursor.rev).toBe(5);
    expect(conversation.status.state).toBe("live");
    expect(problems).toEqual(["a page with rows that cannot be read"]);
  });

  test("an attachment or reaction is left out of its message", async () => {
    const { conversation, socket } = connected();
    const first = await socket(0);
    first.greet(1);
    first.say(
      newer(created(1, 2), (event: Any) => {
        Object.assign(event["message"] ?? {}, { attachments: [{ name: "x" }], reactions: [{}] });
      }),
    );
    expect(conversation.messages).toEqual([message(1, 2)]);
  });

  test.each([
    ["hello", [newer(hello(1), (event: Any) => Reflect.deleteProperty(event, "epoch")), sync(1)]],
    ["the first page", [hello(1), '{"type":"sync","to":1}']],
  ])(
    "without %s there is no session: it is tried again, after waits that grow",
    async (_, frame) => {
      const { conversation, sockets, socket } = connected();
      const problems = problemsOf(conversation);
      const waits: unknown[] = [];
      for (let turn = 0; turn < 4; turn++) {
        (await socket(turn)).say(...frame);
        const { status } = conversation;
        expect(status.state).toBe("offline");
        const wait = status.state === "offline" ? status.retryInMs : 0;
        waits.push(wait);
        await vi.advanceTimersByTimeAsync(wait);
      }
      expect(waits).toEqual([...waits].sort((a, b) => Number(a) - Number(b)));
      expect(new Set(waits).size).toBe(4);
      expect(problems).toHaveLength(1);
      expect(sockets[0]?.isClosed).toBe(true);
    },
  );

  test("an answer rejects its question, which is not asked again", async () => {
    const { conversation, sockets, socket } = connected();
    const first = await socket(0);
    first.greet(1, [message(1, 1)]);
    const history = conversation.history({ limit: 1 });
    const refused = expect(history).rejects.toMatchObject({ code: "unreadable" });
    const id = first.asked.at(-1)?.["id"];
    first.say(JSON.stringify({ type: "sync", id, messages: 7 }));
    await refused;
    expect(conversation.status.state).toBe("live");
    expect(sockets).toHaveLength(1);
  });
});

test("the features that the server grants are those of this session", async () => {
  const { conversation, sockets, socket } = connected();
  expect((await socket(0)).url).toContain("features=reactions");
  sockets[0]?.say({ ...hello(1), features: ["reactions"] }, sync(1));
  expect(conversation.features).toEqual(["reactions"]);
  sockets[0]?.end(1012);
  await vi.advanceTimersByTimeAsync(1_000);
  (await socket(1)).greet(1);
  expect(conversation.features).toEqual([]);
});

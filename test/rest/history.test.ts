import { beforeAll, describe, expect, test } from "vitest";
import { type Caller, directPair, openLive, person, send } from "../support.ts";
import { carryOut, FOREIGN, ISO_TIME, MESSAGES, NOBODYS, page, pathsOf } from "./requests.ts";

/** The contents of a page's messages. */
function contents(answer: { body: { items: { content: string }[] } }): string[] {
  return answer.body.items.map((item) => item.content);
}

describe("GET /messages", () => {
  test("200 with the exact body", async () => {
    const { alice, bob, conversationId } = await directPair();
    const { body: first } = await send(alice, conversationId, "hello");
    const more = { replyToMessageId: first.messageId };
    const { body: second } = await send(bob, conversationId, "hello back", more);
    const answer = await page(alice, conversationId);
    expect(answer.status).toBe(200);
    const common = {
      conversationId,
      type: "Text",
      editedAt: null,
      isDeleted: false,
      attachments: [],
      reactions: [],
    };
    expect(answer.body).toStrictEqual({
      items: [
        {
          ...common,
          messageId: second.messageId,
          senderId: bob.userId,
          content: "hello back",
          sentAt: second.sentAt,
          replyToMessageId: first.messageId,
        },
        {
          ...common,
          messageId: first.messageId,
          senderId: alice.userId,
          content: "hello",
          sentAt: first.sentAt,
          replyToMessageId: null,
        },
      ],
      totalCount: 2,
      page: 1,
      pageSize: 50,
      totalPages: 1,
    });
  });

  test("200 with an edited and a deleted message", async () => {
    const { alice, conversationId } = await directPair();
    const [one, two] = [
      await send(alice, conversationId, "one"),
      await send(alice, conversationId, "given twice"),
    ];
    const socket = await openLive(alice, conversationId);
    await carryOut(socket, { op: "edit", messageId: one.body.messageId, content: "uno" });
    await carryOut(socket, { op: "delete", messageId: two.body.messageId });
    const { body } = await page(alice, conversationId);
    expect(body.totalCount).toBe(2);
    expect(body.items[0]).toMatchObject({ content: "", isDeleted: true, editedAt: null });
    expect(body.items[1]).toMatchObject({
      content: "uno",
      isDeleted: false,
      editedAt: expect.stringMatching(ISO_TIME),
      sentAt: one.body.sentAt,
    });
  });

  test("200 with nothing before the first message", async () => {
    const { alice, conversationId } = await directPair();
    expect((await page(alice, conversationId)).body).toStrictEqual({
      items: [],
      totalCount: 0,
      page: 1,
      pageSize: 50,
      totalPages: 0,
    });
  });

  test("200 for an id in upper case", async () => {
    const { alice, conversationId } = await directPair();
    await send(alice, conversationId.toUpperCase(), "hello");
    const { body } = await page(alice, conversationId.toUpperCase());
    expect(body.items).toMatchObject([{ conversationId, content: "hello" }]);
  });

  test.each([
    ["missing", ""],
    ["empty", "?conversationId="],
    ["not a UUID", "?conversationId=general"],
    ["a UUID and more", `?conversationId=${NOBODYS}0`],
    ["a UUID in braces", `?conversationId={${NOBODYS}}`],
    ["given twice", `?conversationId=${NOBODYS}&conversationId=${NOBODYS}`],
  ])("400 with a conversationId that is %s", async (_, query) => {
    const answer = await (await person()).get(MESSAGES + query);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: expect.any(String),
      code: "invalid_request",
      details: [{ path: "conversationId", message: expect.any(String) }],
    });
  });

  test("404 with an unknown UUID, 403 for a conversation of others", async () => {
    const { alice, conversationId } = await directPair();
    const { messageId } = (await send(alice, conversationId, "x")).body;
    for (const id of [NOBODYS, FOREIGN, "00000000-0000-0000-0000-000000000000", messageId]) {
      const answer = await page(alice, id);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ error: expect.any(String), code: "conversation_not_found" });
    }
    for (const role of ["user", "support", "resolver", "admin"]) {
      const answer = await page(await person("mallory", { role }), conversationId);
      expect(answer.status, role).toBe(403);
      expect(answer.body).toEqual({ error: expect.any(String), code: "not_a_member" });
    }
  });
});

describe("pages of GET /messages", () => {
  let alice: Caller;
  let conversationId: string;
  const newestFirst = Array.from({ length: 60 }, (_, i) => `message ${60 - i}`);

  beforeAll(async () => {
    ({ alice, conversationId } = await directPair());
    for (const content of newestFirst.toReversed()) await send(alice, conversationId, content);
  });

  test("hold fifty by default, newest first", async () => {
    const answer = await page(alice, conversationId);
    expect(contents(answer)).toEqual(newestFirst.slice(0, 50));
    expect(answer.body).toMatchObject({ totalCount: 60, page: 1, pageSize: 50, totalPages: 2 });
  });

  test.each([1, 7, 20, 59, 60, 61, 100])(
    "of %i together contain all messages",
    async (pageSize) => {
      const totalPages = Math.ceil(60 / pageSize);
      const seen: string[] = [];
      for (let number = 1; number <= totalPages; number++) {
        const answer = await page(alice, conversationId, `&page=${number}&pageSize=${pageSize}`);
        expect(answer.body).toMatchObject({ totalCount: 60, page: number, pageSize, totalPages });
        seen.push(...contents(answer));
      }
      expect(seen).toEqual(newestFirst);
    },
  );

  test.each([3, 1_000, 1_000_000_001, 2 ** 31 - 1, Number.MAX_SAFE_INTEGER])(
    "past the end are empty: page %i",
    async (number) => {
      const answer = await page(alice, conversationId, `&page=${number}`);
      expect(answer.status).toBe(200);
      expect(answer.body).toStrictEqual({
        items: [],
        totalCount: 60,
        page: number,
        pageSize: 50,
        totalPages: 2,
      });
    },
  );

  test.each([
    ...["page=0", "page=-1", "page=x", "page=1.5", "page=", "page=1e1", "page=0x1", "page=%201"],
    ...["pageSize=0", "pageSize=101", "pageSize=-5", "pageSize=all", "pageSize=", "pageSize=NaN"],
  ])("400 with %s, naming the field", async (query) => {
    const answer = await page(alice, conversationId, `&${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("invalid_request");
    expect(pathsOf(answer)).toEqual([query.split("=")[0]]);
  });
});

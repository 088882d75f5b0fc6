import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { conversationIdOf } from "../../src/domain/id.ts";
import { channelOf, directPair, fetchJson, groupOf, person, send } from "../support.ts";
import { block } from "./blocked.ts";
import { FOREIGN, NOBODYS, pathsOf } from "./requests.ts";
import { CHAT_SEARCH, contents, SEARCH, search } from "./searching.ts";

/** `GET /api/v1/chat/messages/search` and `GET /api/chat/search`. */

afterEach(() => {
  vi.restoreAllMocks();
});

describe("over all conversations", () => {
  test("newest first, with the conversation, the places and all that a page of messages has", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const group = await groupOf(alice, bob);
    const channel = await channelOf(bob, [alice], { name: "General" });
    await send(bob, group, "an apple");
    await send(bob, channel, "no fruit");
    await send(bob, channel, "one apple more");
    const found = await search(alice, "apple");
    expect(found.status).toBe(200);
    expect(found.body).toMatchObject({
      hits: [
        { conversationId: channel, conversation: { title: "General", kind: "channel" } },
        { conversationId: group, conversation: { title: "Group", kind: "group" } },
      ],
      ...{ cursor: null, searchedBack: null, incomplete: false, failed: [] },
    });
    expect(contents(found)).toEqual(["one apple more", "an apple"]);
    for (const { conversationId, message } of found.body.hits) {
      const page = await alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
      expect(page.body.items).toContainEqual(message);
    }
  });

  test("those that were left or declined are not searched, nor what is hidden or deleted", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    const [left, stays] = [await groupOf(bob, alice, carol), await groupOf(bob, alice, carol)];
    await send(bob, left, "apple of a group that is left");
    await send(carol, stays, "apple of somebody who is blocked");
    const deleted = await send(bob, stays, "apple that is deleted");
    await send(bob, stays, "apple that stays");
    await bob.delete(`/api/v1/chat/messages/${deleted.body.messageId}`);
    await alice.delete(`/api/v1/chat/conversations/${left}/participants/${alice.userId}`);
    await block(alice, carol);
    expect(contents(await search(alice, "apple"))).toEqual(["apple that stays"]);
    expect(contents(await search(bob, "apple"))).toHaveLength(3);
  });

  test.each<["user" | "resolver"]>([["user"], ["resolver"]])(
    "a removal counts at once, also where D1 does not have it yet: of a %s",
    async (role) => {
      const [alice, bob, carol] = [await person("a", { role }), await person(), await person()];
      const [one, other] = [await groupOf(bob, alice, carol), await groupOf(bob, alice, carol)];
      await send(bob, one, "apple");
      await send(bob, other, "apple pie");
      vi.spyOn(console, "log").mockReturnValue(undefined);
      const projection = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: down"));
      await bob.delete(`/api/v1/chat/conversations/${other}/participants/${alice.userId}`);
      projection.mockRestore();
      const found = await search(alice, "apple");
      expect(contents(found)).toEqual(["apple"]);
      expect(found.body).toMatchObject({ incomplete: false, failed: [] });
      const { data } = (await alice.get(`${CHAT_SEARCH}?q=apple`)).body;
      expect(data.hits.map((hit: { chatId: string }) => hit.chatId)).toEqual([one]);
    },
  );

  test("in: selects among them, and exclusions alone are refused", async () => {
    const [alice, bob] = await Promise.all([person("a"), person("b")]);
    const one = await channelOf(alice, [bob], { name: "General" });
    const other = await channelOf(alice, [bob], { name: "Random" });
    await send(alice, one, "apple one");
    await send(alice, other, "apple two");
    expect(contents(await search(bob, `in:${other} apple`))).toEqual(["apple two"]);
    expect(contents(await search(bob, "in:general apple"))).toEqual(["apple one"]);
    expect(await search(bob, "-apple")).toMatchObject({
      status: 400,
      body: { code: "invalid_query" },
    });
  });

  test("pages of a limit, each hit once, while messages are sent", async () => {
    const [alice, bob] = await Promise.all([person("a"), person("b")]);
    const all = [
      await groupOf(alice, bob),
      await groupOf(alice, bob),
      await channelOf(bob, [alice]),
    ];
    const expected: string[] = [];
    for (let i = 0; i < 10; i++) {
      const content = `apple ${i}`;
      await send(bob, all[i % 3] ?? "", content);
      expected.unshift(content);
    }
    const found: string[] = [];
    let cursor: string | null = "";
    for (let page = 0; cursor !== null; page++) {
      const answer = await search(alice, "apple", { limit: 4, ...(cursor && { cursor }) });
      found.push(...contents(answer));
      cursor = answer.body.cursor;
      if (cursor !== null) {
        expect(answer.body.searchedBack).toBe(answer.body.hits.at(-1).message.sentAt);
      }
      await send(bob, all[page % 3] ?? "", `apple beyond ${page}`);
    }
    expect(found).toEqual(expected);
  });
});

describe("one conversation", () => {
  test("its hits alone, in pages; a cursor of another is none", async () => {
    const [alice, bob] = await Promise.all([person("a"), person("b")]);
    const [one, other] = [await groupOf(alice, bob), await groupOf(alice, bob)];
    for (const content of ["apple 1", "pear", "apple 2", "apple 3"]) await send(bob, one, content);
    await send(bob, other, "apple elsewhere");
    const first = await search(alice, "apple", { conversationId: one, limit: 2 });
    expect(contents(first)).toEqual(["apple 3", "apple 2"]);
    const { cursor } = first.body;
    const second = await search(alice, "apple", { conversationId: one, limit: 2, cursor });
    expect(contents(second)).toEqual(["apple 1"]);
    expect(second.body).toMatchObject({ cursor: null, searchedBack: null });
    const wrong = await search(alice, "apple", { conversationId: other, limit: 2, cursor });
    expect([wrong.status, wrong.body.code]).toEqual([400, "invalid_request"]);
  });

  test("what the object refuses is refused", async () => {
    const { conversationId } = await directPair();
    const carol = await person("carol");
    const outcome = async (id: string) => {
      const { status, body } = await search(carol, "apple", { conversationId: id });
      return [status, body.code];
    };
    expect(await outcome(conversationId)).toEqual([403, "not_a_member"]);
    expect(await outcome(NOBODYS)).toEqual([404, "conversation_not_found"]);
    expect(await outcome(FOREIGN)).toEqual([404, "conversation_not_found"]);
    expect(await outcome("no uuid")).toEqual([400, "invalid_request"]);
  });

  test("D1 is not needed", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "apple");
    vi.spyOn(console, "log").mockReturnValue(undefined);
    for (const name of ["prepare", "batch", "withSession"] as const) {
      vi.spyOn(env.DB, name).mockImplementation(() => {
        throw new Error("D1_ERROR: down");
      });
    }
    expect(contents(await search(bob, "apple", { conversationId }))).toEqual(["apple"]);
    const all = await search(bob, "apple");
    expect([all.status, all.body.code]).toEqual([503, "unavailable"]);
  });
});

describe("the marketplace's", () => {
  test("in its form and envelope, without channels", async () => {
    const [alice, bob] = await Promise.all([person("a"), person("b")]);
    const group = await groupOf(alice, bob);
    const channel = await channelOf(alice, [bob]);
    await send(alice, group, "apple of a group");
    await send(alice, channel, "apple of a channel");
    const { status, body } = await bob.get(`${CHAT_SEARCH}?q=apple`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      data: { cursor: null, searchedBack: null, incomplete: false, failed: [] },
    });
    expect(body.data.hits).toHaveLength(1);
    const page = await bob.get(`/api/chat/${group}/messages`);
    const [message] = page.body.data.messages;
    expect(body.data.hits[0]).toMatchObject({
      ...{ chatId: group, chat: { title: "Group", type: "group" }, message },
    });
    const named = await bob.get(`${CHAT_SEARCH}?q=apple&chatId=${channel}`);
    expect([named.status, named.body.code]).toEqual([404, "conversation_not_found"]);
  });

  test("staff search any chat that they name, and all of their own", async () => {
    const { alice, conversationId } = await directPair();
    await send(alice, conversationId, "apple");
    const resolver = await person("resolver", { role: "resolver" });
    const named = await resolver.get(`${CHAT_SEARCH}?q=apple&chatId=${conversationId}`);
    expect(named.body.data.hits).toHaveLength(1);
    expect((await resolver.get(`${CHAT_SEARCH}?q=apple`)).body.data.hits).toEqual([]);
    const unihub = await search(resolver, "apple", { conversationId });
    expect([unihub.status, unihub.body.code]).toEqual([403, "not_a_member"]);
  });
});

describe("invalid requests", () => {
  test.each<[string, string]>([
    ["", "q"],
    ["q=a&limit=0", "limit"],
    ["q=a&limit=51", "limit"],
    ["q=a&limit=x", "limit"],
    ["q=a&cursor=x", "cursor"],
    [`q=a&cursor=${btoa("[1,2,3]")}`, "cursor"],
    [`q=a&cursor=${btoa(JSON.stringify([1e300, NOBODYS, 1, null, false]))}`, "cursor"],
    [`q=a&cursor=${btoa(JSON.stringify([1, "x", 1, null, false]))}`, "cursor"],
    [`q=a&cursor=${btoa(JSON.stringify([1, NOBODYS, 1.5, null, false]))}`, "cursor"],
    ["q=a&conversationId=x", "conversationId"],
  ])("%s: 400, names %s", async (query, path) => {
    const alice = await person();
    const answer = await alice.get(`${SEARCH}?${query}`);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect(pathsOf(answer)).toEqual([path]);
  });

  test.each(["", " ", "a ".repeat(11), "x".repeat(300)])("q=%j: 400 invalid_query", async (q) => {
    const alice = await person();
    for (const path of [SEARCH, CHAT_SEARCH]) {
      const { status, body } = await alice.get(`${path}?${new URLSearchParams({ q })}`);
      expect([status, body.code]).toEqual([400, "invalid_query"]);
    }
  });

  test("401 without a token", async () => {
    for (const path of [SEARCH, CHAT_SEARCH]) {
      expect((await fetchJson(`${path}?q=a`)).status).toBe(401);
    }
  });
});

test("a cursor that names a conversation which is not the caller's only says where to begin", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "apple");
  const id = conversationIdOf(crypto.getRandomValues(new Uint8Array(11)));
  const cursor = btoa(JSON.stringify([Date.now() + 60_000, id, 1, null, false]));
  expect(contents(await search(bob, "apple", { cursor }))).toEqual(["apple"]);
});

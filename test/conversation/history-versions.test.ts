import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { type Caller, directPair, send } from "../support.ts";

/** Workers and objects of two versions call each other for about a minute after a deploy. */

let alice: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, conversationId } = await directPair());
  for (const content of ["one", "two", "three"]) await send(alice, conversationId, content);
});
afterEach(() => void vi.restoreAllMocks());

const paths = () => [
  `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=2`,
  `/api/chat/${conversationId}/messages?limit=2`,
  `/api/chat/${conversationId}/messages?limit=2&order=asc`,
];

test("pages of an object that knows no forms are the same", async () => {
  const pages = await Promise.all(paths().map((path) => alice.get(path)));
  const { history } = Conversation.prototype;
  const asBefore = vi.spyOn(Conversation.prototype, "history").mockImplementation(function (
    this: Conversation,
    actor,
    query,
  ) {
    return history.call(this, actor, query);
  });
  for (const [index, path] of paths().entries()) {
    const page = await alice.get(path);
    expect(page.status).toBe(200);
    expect(JSON.stringify(page.body)).toBe(JSON.stringify(pages[index]?.body));
  }
  expect(asBefore).toHaveBeenCalledTimes(3);
});

test("an object answers a Worker that names no form with messages", async () => {
  const { userId } = alice;
  const actor = { userId, name: null, avatarUrl: null, role: "user", reach: "member" } as const;
  const query = { by: "page", page: 1, pageSize: 2, readers: true } as const;
  const stub = conversationOf(env, conversationId);
  for (const as of [undefined, { form: "of a later version", origin: "https://a.test" }]) {
    const page = await stub.history(actor, query, as);
    expect(page).toMatchObject({
      ok: true,
      value: { messages: [{ content: "two" }, { content: "three" }], readers: expect.any(Map) },
    });
  }
});

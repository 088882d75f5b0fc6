import { expect, test } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import type { SearchPage } from "../../src/client/search.ts";

/** Searching from the client: pages by cursor, refusals, and aborting. */

function clientOf(answer: (request: Request) => Response | Promise<Response>): Parley {
  return new Parley({
    url: "https://parley.test",
    token: () => "t",
    fetch: async (input, init) => answer(new Request(input, init)),
  });
}

function hit(number: number): SearchPage["hits"][number] {
  const message = {
    ...{ messageId: `m${number}`, conversationId: "c", senderId: "bob", content: "a word" },
    ...{ type: "Text" as const, sentAt: "2026-03-03T12:00:00.000Z", editedAt: null },
    ...{ isDeleted: false, replyToMessageId: null, attachments: [], reactions: [] },
  };
  return {
    ...{ conversationId: "c", conversation: { title: null, kind: "direct" }, message },
    ...{ matches: [{ start: 2, end: 6 }], snippet: { start: 0, end: 6 }, files: [] },
  };
}

function page(numbers: number[], cursor: string | null): SearchPage {
  return {
    ...{ hits: numbers.map(hit), cursor, searchedBack: cursor && "2026-03-03T12:00:00.000Z" },
    ...{ incomplete: false, failed: [] },
  };
}

/** Three pages, one without hits, and what was requested of them. */
function threePages() {
  const asked: string[] = [];
  const pages = new Map([
    [null, page([5, 4], "one")],
    ["one", page([], "two")],
    ["two", page([1], null)],
  ]);
  const parley = clientOf(({ url }) => {
    const { pathname, search, searchParams } = new URL(url);
    asked.push(pathname + search);
    return Response.json(pages.get(searchParams.get("cursor")));
  });
  return { parley, asked };
}

test("hits are iterated over all pages, each requested when it is reached", async () => {
  const { parley, asked } = threePages();
  const search = parley.search("C++ -x", { conversationId: "c", limit: 2 });
  expect(asked).toEqual([]);
  const found: string[] = [];
  const requests: number[] = [];
  for await (const { message } of search) {
    found.push(message.messageId);
    requests.push(asked.length);
  }
  expect(found).toEqual(["m5", "m4", "m1"]);
  expect(requests).toEqual([1, 1, 3]);
  const address = "/api/v1/chat/messages/search?q=C%2B%2B+-x&conversationId=c&limit=2";
  expect(asked).toEqual([address, `${address}&cursor=one`, `${address}&cursor=two`]);
});

test("pages say what was searched, and a cursor continues where another search ended", async () => {
  const { parley, asked } = threePages();
  const pages = [];
  for await (const one of parley.search("word").pages()) pages.push(one.searchedBack);
  expect(pages).toEqual(["2026-03-03T12:00:00.000Z", "2026-03-03T12:00:00.000Z", null]);
  asked.length = 0;
  const found = [];
  for await (const { message } of parley.search("word", { cursor: "two" })) {
    found.push(message.messageId);
  }
  expect(found).toEqual(["m1"]);
  expect(asked).toEqual(["/api/v1/chat/messages/search?q=word&cursor=two"]);
});

test("a refusal ends the iteration with the server's code and wait", async () => {
  const parley = clientOf(() =>
    Response.json(
      { error: "Slowly.", code: "rate_limited" },
      { status: 429, headers: { "Retry-After": "7" } },
    ),
  );
  const iterating = (async () => {
    for await (const one of parley.search("word")) expect(one).toBeUndefined();
  })();
  await expect(iterating).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 7_000 });
});

test("an aborted signal ends the request, also while its answer is read, with the signal's reason", async () => {
  const abort = new AbortController();
  let isAsked = () => undefined as unknown;
  const asked = new Promise((resolve) => {
    isAsked = () => resolve(undefined);
  });
  const parley = clientOf((request) => {
    isAsked();
    return new Promise((_resolve, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    });
  });
  const searching = parley.rest.search({ q: "word" }, abort.signal);
  await asked;
  abort.abort("typed on");
  await expect(searching).rejects.toBe("typed on");

  const next = new AbortController();
  const cut = clientOf(
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            next.abort("closed");
            controller.error(new Error("cut off"));
          },
        }),
      ),
  );
  await expect(cut.rest.search({ q: "word" }, next.signal)).rejects.toBe("closed");
  await expect(cut.rest.search({ q: "word" }, next.signal)).rejects.toBe("closed");
});

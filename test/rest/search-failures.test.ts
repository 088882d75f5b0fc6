import { afterEach, describe, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { contents, search, threeGroups } from "./searching.ts";

/** A search of many conversations where some of them cannot be searched. */

afterEach(() => {
  vi.restoreAllMocks();
});

/** Has conversations answer a search otherwise; `undefined`: as they do. */
function onSearch(instead: (conversationId: string) => Promise<never> | undefined): void {
  vi.spyOn(console, "log").mockReturnValue(undefined);
  const { search } = Conversation.prototype;
  vi.spyOn(Conversation.prototype, "search").mockImplementation(function (
    this: Conversation,
    ...question
  ) {
    const { name } = Reflect.get(this, "ctx").id;
    return instead(name) ?? search.apply(this, question);
  });
}

describe("a part that fails", () => {
  test("an object that throws is named, the rest is answered, and later pages stay incomplete", async () => {
    const { alice, groups } = await threeGroups();
    const [, broken] = groups;
    onSearch((id) => (id === broken ? Promise.reject(new Error("broken")) : undefined));
    const first = await search(alice, "apple", { limit: 3 });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ incomplete: true, failed: [broken] });
    expect(contents(first)).toHaveLength(3);
    vi.restoreAllMocks();
    const second = await search(alice, "apple", { limit: 3, cursor: first.body.cursor });
    expect(second.body).toMatchObject({ incomplete: true, failed: [], cursor: null });
    const [one, , three] = groups;
    expect([...contents(first), ...contents(second)]).toEqual(
      [three, one].flatMap((id) => [`apple 2 of ${id}`, `apple 1 of ${id}`]),
    );
  });

  test("one that does not answer is not waited for", async () => {
    const { alice, groups } = await threeGroups();
    const stuck = Promise.withResolvers<never>();
    onSearch((id) => (id === groups[0] ? stuck.promise : undefined));
    const found = await search(alice, "apple");
    stuck.reject(new Error("at last"));
    expect(found.body).toMatchObject({ incomplete: true, failed: [groups[0]] });
    expect(contents(found)).toHaveLength(4);
  });

  test("one of the previous version cannot search: named, and alone unavailable", async () => {
    const { alice, groups } = await threeGroups();
    const method = Object.getOwnPropertyDescriptor(Conversation.prototype, "search");
    if (!method) throw new Error("no search");
    Reflect.deleteProperty(Conversation.prototype, "search");
    try {
      const found = await search(alice, "apple");
      expect(found.status).toBe(200);
      expect(found.body).toMatchObject({ hits: [], cursor: null, incomplete: true });
      expect(found.body.failed.toSorted()).toEqual(groups.toSorted());
      const one = await search(alice, "apple", { conversationId: groups[0] });
      expect([one.status, one.body.code]).toEqual([503, "unavailable"]);
    } finally {
      Object.defineProperty(Conversation.prototype, "search", method);
    }
  });

  test("no text of a query or message is logged", async () => {
    const { alice, groups } = await threeGroups();
    onSearch((id) => (id === groups[0] ? Promise.reject(new Error("broken")) : undefined));
    const log = vi.spyOn(console, "log").mockReturnValue(undefined);
    await search(alice, "apple");
    await search(alice, "apple", { limit: 0 });
    const lines = log.mock.calls.flat().map(String);
    expect(lines.some((line) => line.includes("search_failed"))).toBe(true);
    expect(lines.filter((line) => line.includes("apple"))).toEqual([]);
  });
});

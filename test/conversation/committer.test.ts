import { describe, expect, test } from "vitest";
import { MAX_GROUP } from "../../src/conversation/commit/committer.ts";
import type { Command } from "../../src/conversation/decide/types.ts";
import { CREATED } from "../domain/decide/state.ts";
import { type FreshCommitter, text, withCommitter } from "./fresh-committer.ts";

const all: Command = { type: "read" };

/** How many outcomes each commit had. */
const sizes = ({ commits }: FreshCommitter) => commits.map(({ outcomes }) => outcomes.length);

describe("groups", () => {
  test("an idle committer commits a command synchronously", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("one"));
      expect(fresh.takeAnswers()).toEqual(["ok"]);
      expect(fresh.texts()).toEqual(["one"]);
      expect(fresh.transactions).toBe(1);
      fresh.expectMemoryToBeStored();
    }));

  test("commands that arrive while the window is open are one transaction at its end", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("one"));
      for (const content of ["two", "three", "four"]) fresh.submit("bob", text(content));
      expect(fresh.texts()).toEqual(["one"]);
      fresh.endWindow();
      expect(sizes(fresh)).toEqual([1, 3]);
      expect(fresh.transactions).toBe(2);
      expect(fresh.texts()).toEqual(["one", "two", "three", "four"]);
      fresh.expectMemoryToBeStored();
    }));

  test("a window that ends with commands opens another; one without leaves the committer idle", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("one"));
      fresh.submit("ada", text("two"));
      fresh.endWindow();
      fresh.submit("ada", text("three"));
      expect(fresh.texts()).toEqual(["one", "two"]);
      fresh.endWindow();
      fresh.endWindow();
      expect(sizes(fresh)).toEqual([1, 1, 1]);
      fresh.submit("ada", text("four"));
      expect(fresh.texts()).toEqual(["one", "two", "three", "four"]);
    }));

  test("several commands submitted together to an idle committer are one group", () =>
    withCommitter((fresh) => {
      fresh.submitAll(["one", "two"].map((content) => ["ada", text(content)]));
      expect(sizes(fresh)).toEqual([2]);
    }));

  test("a group is limited to MAX_GROUP commands; the rest is committed in the next", () =>
    withCommitter((fresh) => {
      const contents = Array.from({ length: 2 * MAX_GROUP + 1 }, (_, index) => `${index}`);
      fresh.submitAll(contents.map((content) => ["ada", text(content)]));
      expect(sizes(fresh)).toEqual([MAX_GROUP]);
      fresh.endWindow();
      expect(sizes(fresh)).toEqual([MAX_GROUP, MAX_GROUP]);
      fresh.endWindow();
      expect(sizes(fresh)).toEqual([MAX_GROUP, MAX_GROUP, 1]);
      expect(fresh.texts()).toEqual(contents);
      expect(fresh.transactions).toBe(3);
      fresh.expectMemoryToBeStored();
    }));

  test("flush commits the queue synchronously, and nothing twice", () =>
    withCommitter((fresh) => {
      fresh.openWindow();
      const contents = Array.from({ length: MAX_GROUP + 2 }, (_, index) => `${index}`);
      fresh.submitAll(contents.map((content) => ["ada", text(content)]));
      expect(fresh.committer.state().counters.lastNumber).toBe(0);
      fresh.committer.flush();
      expect(sizes(fresh)).toEqual([1, MAX_GROUP, 2]);
      expect(fresh.committer.state().counters.lastNumber).toBe(contents.length);
      fresh.endWindow();
      expect(sizes(fresh)).toEqual([1, MAX_GROUP, 2]);
      expect(fresh.texts()).toEqual(contents);
    }));
});

describe("within a group", () => {
  test("outcomes are in the order of the commands, refused ones included", () =>
    withCommitter((fresh) => {
      fresh.openWindow();
      fresh.submit("ada", text("one"));
      fresh.submit("eve", text("two"));
      fresh.submit("bob", text(" "));
      fresh.submit("ada", { type: "edit", messageId: fresh.id(1), content: "uno", maxLength: 100 });
      fresh.submit("bob", { type: "delete", messageId: fresh.id(1) });
      fresh.submit("bob", { type: "react", messageId: fresh.id(1), emoji: "👍" });
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual([
        ...["ok", "not_a_member", "empty_content", "ok", "not_the_author", "ok"],
      ]);
      const [, group] = fresh.commits;
      expect(group?.outcomes.map(({ pending }) => pending.command.type)).toEqual([
        ...["send", "send", "send", "edit", "delete", "react"],
      ]);
      expect(group?.changes).toMatchObject([
        { cause: "created", message: { number: 1, content: "one" } },
        { cause: "edited", message: { number: 1, content: "uno" } },
        { cause: "reaction", message: { number: 1, content: "uno" } },
      ]);
      expect(fresh.texts()).toEqual(["uno"]);
      fresh.expectMemoryToBeStored();
    }));

  test("a command sees the effects of those before it: removed members, used keys", () =>
    withCommitter((fresh) => {
      fresh.openWindow();
      fresh.submit("ada", text("hello", "k"));
      fresh.submit("ada", text("hello", "k"));
      fresh.submit("ada", text("other", "k"));
      fresh.submit("bob", text("hello", "k"));
      fresh.submit("bob", { type: "remove", userId: "bob" });
      fresh.submit("bob", text("too late"));
      fresh.endWindow();
      expect(fresh.answered[1]).toMatchObject({
        value: { deduplicated: true, message: { number: 1 } },
      });
      expect(fresh.takeAnswers()).toEqual([
        ...["ok", "ok", "idempotency_conflict", "ok", "ok", "not_a_member"],
      ]);
      expect(fresh.texts()).toEqual(["hello", "hello", "bob left"]);
      fresh.expectMemoryToBeStored();
    }));

  test("a repeated send returns the message as the group has edited or deleted it", () =>
    withCommitter((fresh) => {
      const edit: Command = {
        ...{ type: "edit", messageId: fresh.id(1), content: "edited", maxLength: 100 },
      };
      fresh.openWindow();
      fresh.submit("ada", text("hello", "k"));
      fresh.submit("ada", edit);
      fresh.submit("ada", text("hello", "k"));
      fresh.submit("ada", { type: "delete", messageId: fresh.id(1) });
      fresh.submit("ada", text("hello", "k"));
      fresh.endWindow();
      expect(fresh.answered.slice(2)).toMatchObject([
        { value: { deduplicated: true, message: { content: "edited", deletedAt: null } } },
        { ok: true },
        { value: { deduplicated: true, message: { content: "", deletedAt: CREATED } } },
      ]);
      expect(fresh.takeAnswers()).toEqual(Array(5).fill("ok"));
    }));

  test("sends count towards the rate limit, also after a wake", () =>
    withCommitter((fresh) => {
      fresh.limits.messagesPerMinute = 2;
      fresh.openWindow();
      for (const content of ["one", "two", "three"]) fresh.submit("ada", text(content));
      fresh.submit("bob", text("one"));
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok", "ok", "rate_limited", "ok"]);
      fresh.wake();
      fresh.clock += 59_999;
      fresh.submit("ada", text("four"));
      fresh.endWindow();
      fresh.clock++;
      fresh.submit("ada", text("four"));
      expect(fresh.takeAnswers()).toEqual(["rate_limited", "ok"]);
    }));

  test("limits against abuse count within a group and across groups", () =>
    withCommitter((fresh) => {
      fresh.limits.abuse = { changesPerMinute: 2, readsPerMinute: 1 };
      const react = (emoji: string): Command => {
        return { type: "react", messageId: fresh.id(1), emoji };
      };
      fresh.submit("ada", text("one"));
      for (const emoji of ["👍", "🎉", "🔥"]) fresh.submit("bob", react(emoji));
      fresh.submit("bob", all);
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok", "ok", "ok", "rate_limited", "ok"]);
      fresh.submit("ada", text("two"));
      fresh.submit("bob", all);
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok", "rate_limited"]);
    }));

  test("read marks that a later one covers are coalesced into it", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("one"));
      fresh.submit("bob", all);
      fresh.submit("ada", text("two"));
      fresh.submit("bob", all);
      fresh.submit("eve", all);
      fresh.submit("eve", all);
      fresh.endWindow();
      const [, group] = fresh.commits;
      expect(group?.changes.map(({ type }) => type)).toEqual(["message", "read"]);
      expect(group?.outcomes.map(({ result }) => result)).toMatchObject([
        { ok: true, value: { rev: 7, modifiedCount: 0 } },
        { ok: true, value: { rev: 6 } },
        { ok: true, value: { rev: 7, modifiedCount: 2 } },
        { ok: false, error: { code: "not_a_member" } },
        { ok: false, error: { code: "not_a_member" } },
      ]);
      fresh.expectMemoryToBeStored();
    }));

  test("figures that a member had before rejoining do not overwrite the new ones", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("one"));
      fresh.submit("bob", text("two"));
      fresh.submit("ada", { type: "remove", userId: "bob" });
      fresh.submit("ada", { type: "add", person: { userId: "bob", name: null, avatarUrl: null } });
      fresh.endWindow();
      expect(fresh.memory.members.get("bob")).toMatchObject({ readUpTo: 4, readBeyond: 0 });
      fresh.expectMemoryToBeStored();
    }));

  test("a read mark that only moves figures is stored without a revision", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", { type: "remove", userId: "cyd" });
      fresh.submit("bob", all);
      fresh.endWindow();
      const [, group] = fresh.commits;
      expect(group).toMatchObject({ changes: [], outcomes: [{ result: { ok: true } }] });
      expect(fresh.memory.members.get("bob")).toMatchObject({ readUpTo: 1, readBeyond: 0 });
      fresh.expectMemoryToBeStored();
    }));
});

describe("a command that throws", () => {
  test("is rolled back alone and answered with internal; the others are committed in order", () =>
    withCommitter((fresh) => {
      fresh.refuse("INSERT ON messages", "new.content = 'poison'");
      fresh.openWindow();
      for (const content of ["one", "poison", "two", "poison", "three"]) {
        fresh.submit("ada", text(content));
      }
      fresh.submit("bob", all);
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok", "internal", "ok", "internal", "ok", "ok"]);
      expect(fresh.texts()).toEqual(["one", "two", "three"]);
      expect(fresh.faults.map(String)).toEqual(
        Array(2).fill(expect.stringContaining("refused by")),
      );
      expect(fresh.broken).toEqual([]);
      const [, group] = fresh.commits;
      expect(group?.changes).toMatchObject([
        { message: { number: 1, rev: 5 } },
        { message: { number: 2, rev: 6 } },
        { message: { number: 3, rev: 7 } },
        { read: { from: 1, to: 3, rev: 8 } },
      ]);
      fresh.expectMemoryToBeStored();
    }));

  test("after part of its rows leaves none of them", () =>
    withCommitter((fresh) => {
      // The announcement is written before the member.
      fresh.refuse("INSERT ON members", "new.user_id = 'dee'");
      const add = (userId: string): Command => {
        return { type: "add", person: { userId, name: null, avatarUrl: null } };
      };
      fresh.openWindow();
      fresh.submit("ada", add("dee"));
      fresh.submit("ada", add("eli"));
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["internal", "ok"]);
      expect(fresh.texts()).toEqual(["eli was added"]);
      expect(fresh.memory.counters).toMatchObject({ memberCount: 4, lastNumber: 1, rev: 6 });
      expect(fresh.storage.sql.exec("SELECT number FROM uncounted").toArray()).toEqual([
        { number: 1 },
      ]);
      fresh.expectMemoryToBeStored();
    }));

  test("does not count towards the rate limit, and its key can be used again", () =>
    withCommitter((fresh) => {
      fresh.limits.messagesPerMinute = 2;
      fresh.refuse("INSERT ON messages", "new.content = 'poison'");
      fresh.openWindow();
      for (const content of ["poison", "one"]) fresh.submit("ada", text(content, content));
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["internal", "ok"]);
      fresh.refuseNothing();
      fresh.submit("ada", text("poison", "poison"));
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok"]);
      expect(fresh.texts()).toEqual(["one", "poison"]);
    }));

  test("in a group of one is rolled back as well", () =>
    withCommitter((fresh) => {
      fresh.refuse("INSERT ON messages");
      fresh.submit("ada", text("one"));
      expect(fresh.takeAnswers()).toEqual(["internal"]);
      expect(fresh.memory.counters).toMatchObject({ rev: 4, lastNumber: 0 });
      fresh.expectMemoryToBeStored();
    }));
});

describe("a transaction that throws", () => {
  test("twice stores nothing, answers nobody and calls onBroken", () =>
    withCommitter((fresh) => {
      fresh.submit("ada", text("before"));
      fresh.endWindow();
      fresh.takeAnswers();
      fresh.refuse("UPDATE ON counters");
      fresh.submit("ada", text("lost"));
      fresh.submit("bob", text("lost as well"));
      fresh.endWindow();
      expect(fresh.answered).toEqual([]);
      expect(fresh.commits.length).toBe(1);
      expect(fresh.faults).toEqual([]);
      expect(fresh.broken.map(String)).toEqual(
        Array(2).fill(expect.stringContaining("refused by")),
      );
      expect(fresh.texts()).toEqual(["before"]);
      fresh.expectMemoryToBeStored();
    }));

  test("does not prevent the next group", () =>
    withCommitter((fresh) => {
      fresh.refuse("UPDATE ON counters");
      fresh.submit("ada", text("lost"));
      fresh.submit("ada", text("kept"));
      fresh.refuseNothing();
      fresh.endWindow();
      expect(fresh.takeAnswers()).toEqual(["ok"]);
      expect(fresh.texts()).toEqual(["kept"]);
      fresh.expectMemoryToBeStored();
    }));
});

describe("the clock", () => {
  test("may run backwards: createdAt does not, and clockAt stores the clock", () =>
    withCommitter((fresh) => {
      for (const [content, clock] of [
        ["one", 5_000],
        ["two", 2_000],
        ["three", 5_000],
        ["four", 6_000],
      ] as const) {
        fresh.clock = CREATED + clock;
        fresh.submit("ada", text(content));
        fresh.endWindow();
      }
      const rows = fresh.storage.sql.exec(
        `SELECT created_at - ${CREATED} AS created, clock_at - ${CREATED} AS clock FROM messages`,
      );
      expect(rows.toArray()).toEqual([
        { created: 5_000, clock: null },
        { created: 5_000, clock: 2_000 },
        { created: 5_000, clock: null },
        { created: 6_000, clock: null },
      ]);
      fresh.expectMemoryToBeStored();
    }));

  test("behind the newest message after a wake does not set createdAt back either", () =>
    withCommitter((fresh) => {
      fresh.clock = CREATED + 5_000;
      fresh.submit("ada", text("one"));
      fresh.endWindow();
      fresh.wake();
      fresh.clock = CREATED;
      fresh.submit("ada", text("two"));
      expect(fresh.commits.at(-1)?.changes).toMatchObject([
        { message: { createdAt: CREATED + 5_000, clockAt: CREATED } },
      ]);
    }));
});

test("the number of members in memory is bounded", () =>
  withCommitter((fresh) => {
    const bob = fresh.committer.state().member("bob");
    if (!bob) throw new Error("no such member");
    for (let n = 0; n < 1_001; n++) fresh.memory.members.set(`p${n}`, { ...bob, userId: `p${n}` });
    fresh.submit("ada", text("one"));
    expect([...fresh.memory.members.keys()]).toEqual(["ada"]);
  }));

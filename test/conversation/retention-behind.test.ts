import { expect, test, vi } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { memberOf } from "../../src/conversation/tables/members.ts";
import { fail } from "../../src/domain/error.ts";
import { groupOf, person, send } from "../support.ts";
import { text, withCommitter } from "./fresh-committer.ts";
import { age, removeDue, retain } from "./retaining.ts";
import { within } from "./searching.ts";

test("those whose rows say that they are behind, and are not, hide nobody who is", async () => {
  const names = Array.from({ length: 110 }, (_, index) => `m${String(index).padStart(3, "0")}`);
  const roles = Object.fromEntries(names.map((name) => [name, "member" as const]));
  await withCommitter(
    (fresh) => {
      const purge = () => fresh.submitAll([["", { type: "purge", upTo: 7 }]], { ...RETAINING });
      fresh.openWindow();
      for (let number = 1; number <= 10; number++) fresh.submit("ada", text(`text ${number}`));
      fresh.endWindow();
      // Everybody has read one message of those that go.
      for (const name of names) fresh.submit(name, { type: "read", messageId: fresh.id(5) });
      fresh.endWindow();
      // Some read everything since: their rows do not say so yet.
      for (const name of names.slice(0, 12)) fresh.submit(name, { type: "read" });
      fresh.endWindow();
      expect(fresh.memory.pendingFigures.size).toBe(12);
      for (let commits = 0; fresh.memory.conversation.purgedTo !== 7; commits++) {
        expect(commits).toBeLessThan(5);
        purge();
        fresh.endWindow();
      }
      expect(new Set(fresh.takeAnswers())).toEqual(new Set(["ok"]));
      for (const name of names.slice(12)) {
        const member = memberOf(fresh.storage.sql, name);
        expect(member, name).toMatchObject({ readUpTo: 7, readBeyond: 0 });
      }
    },
    "channel",
    { ada: "owner", ...roles },
  );
});

test("a removal that fails is repeated, unless a legal hold refuses it", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const group = await groupOf(alice, bob);
  await send(alice, group, "old");
  await retain(group, 1);
  await age(group, 1);
  await within(group, async (open) => {
    const submitting = vi.spyOn(open, "submitAll").mockResolvedValue([fail("internal")]);
    await expect(open.retention.run()).rejects.toThrow("internal");
    submitting.mockResolvedValue([fail("legal_hold")]);
    await open.retention.run();
    submitting.mockRestore();
  });
  expect(await removeDue(group)).toBe(1);
});

import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { liftHold, placeHold } from "../../src/directory/legal-holds.ts";
import { settingsOf } from "../../src/env.ts";
import type { JobContext } from "../../src/jobs/kind.ts";
import { eraseUser } from "../../src/jobs/kinds/erase-user.ts";
import { legalHold } from "../../src/jobs/kinds/legal-hold.ts";
import { within } from "../conversation/searching.ts";
import { groupOf, objectOf, person } from "../support.ts";
import { settled } from "./epochs.ts";
import { TimeMachine } from "./time-machine.ts";

test("a conversation that does not answer keeps the hold from none of the others", async () => {
  new TimeMachine();
  const [alice, bob] = [await person("alice"), await person("bob")];
  const ids = [await groupOf(alice, bob), await groupOf(alice, bob), await groupOf(alice, bob)];
  ids.sort();
  for (const id of ids) await settled(id);
  const [closed = "", ...others] = ids;
  const { userId } = alice;
  // Enough that the others are behind the first page.
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
     INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to, read_beyond, epoch, rev)
     SELECT ?1, ?2 || i, 'member', 1, 0, 0, 0, '', 0 FROM n`,
  )
    .bind(userId, closed)
    .run();
  const hold = { subject: "user", id: userId, placedBy: "x", placedAt: 1, reason: "y" } as const;
  await placeHold(directoryOf(env.DB), hold);
  await objectOf(closed).restore({ by: "restore", step: "close" });
  const isHeld = (id: string) => within(id, ({ memory }) => memory.holds.isHeld);

  const given = { userId };
  let state = legalHold.state.parse({ standing: null, after: "", done: 0 });
  const advance = async () => {
    const step = await legalHold.step(context(), given, state);
    if ("state" in step) ({ state } = step);
    return step;
  };
  await advance();
  await advance();
  await expect(advance()).rejects.toThrow("restored");
  for (const id of others) expect(await isHeld(id)).toBe(true);

  await objectOf(closed).restore({ by: "restore", step: "reopen" });
  await advance();
  expect(await advance()).toEqual({ finished: { standing: true, conversations: 53 }, done: 53 });
  expect(await isHeld(closed)).toBe(true);
  await env.DB.batch([
    env.DB.prepare("DELETE FROM legal_holds WHERE id = ?").bind(userId),
    env.DB.prepare("DELETE FROM members WHERE conversation_id LIKE ? || '__'").bind(closed),
  ]);
});

test("files of somebody who is erased stay where a hold is placed on the way", async () => {
  const alice = await person("alice");
  const { userId } = alice;
  const state = eraseUser.state.parse({
    ...eraseUser.begin({ userId, messages: "clear" }),
    ...{ phase: "files", erasedId: "erased-0123456789abcdef", refusedUntil: Date.now() + 600_000 },
  });
  await env.DB.prepare(
    `INSERT INTO uploads (key, owner_id, name, mime_type, created_at, stored_at)
     VALUES (?1 || '/a', ?1, 'a.txt', 'text/plain', 1, 1)`,
  )
    .bind(userId)
    .run();
  const hold = { subject: "user", id: userId, placedBy: "x", placedAt: 1, reason: "y" } as const;
  await placeHold(directoryOf(env.DB), hold);
  const erase = () => eraseUser.step(context(), { userId, messages: "clear" }, state);
  expect(await erase()).toEqual({ failed: "legal_hold" });
  await liftHold(directoryOf(env.DB), "user", userId);
  expect(await erase()).toMatchObject({ state: { files: 1 } });
});

function context(): JobContext {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  return {
    ...{ jobId: "job", env, settings, startedAt: 0, clock: Date.now },
    startedBy: { userId: "operator", role: "admin" },
    // Not used by this kind.
    sql: undefined as unknown as SqlStorage,
  };
}

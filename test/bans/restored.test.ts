import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { person } from "../support.ts";
import { admin, ban, unban } from "./support.ts";

/** An inbox that was restored to a time before it knew of a ban which D1 has. */

test("the next order holds, and is in the audit log", async () => {
  const user = await person();
  await ban(user, { reason: "first" });
  const inbox = env.INBOXES.getByName(user.userId);
  await runInDurableObject(inbox, (_, { storage }) => {
    for (const table of ["ban", "ban_acts", "evictions"]) storage.sql.exec(`DROP TABLE ${table}`);
  });
  await evictDurableObject(inbox);

  await unban(user);
  expect((await user.get("/api/v1/chat/conversations")).status).toBe(200);
  await ban(user, { reason: "second" });
  expect((await user.get("/api/v1/chat/conversations")).body.code).toBe("banned");
  const { body } = await admin.get(`/api/admin/audit?targetId=${user.userId}`);
  expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
    ...["user.ban", "user.unban", "user.ban"],
  ]);
});

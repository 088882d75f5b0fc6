import { expect, test } from "vitest";
import { report } from "../reports/support.ts";
import { channelOf, person, send } from "../support.ts";

/** How many reports a person makes in an hour, and how many are made in a conversation. */

test("20 an hour and person; one that is repeated does not count; admins have no limit", async () => {
  const [owner, reporter] = [await person(), await person()];
  const admin = await person("admin", { role: "admin" });
  const channel = await channelOf(owner, [reporter, admin]);
  const ids: string[] = [];
  for (let i = 0; i < 21; i++) ids.push((await send(owner, channel, `${i}`)).body.messageId);
  for (const id of ids.slice(0, 20)) expect((await report(reporter, id)).status).toBe(201);
  expect((await report(reporter, ids[0] ?? "")).status).toBe(201);
  const refused = await report(reporter, ids[20] ?? "");
  expect(refused).toMatchObject({
    status: 429,
    body: { code: "rate_limited", limit: "reports_per_hour" },
  });
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(3_000);
  for (const id of ids) expect((await report(admin, id)).status).toBe(201);
});

test("100 an hour and conversation", async () => {
  const owner = await person();
  const reporters = await Promise.all(Array.from({ length: 6 }, () => person()));
  const channel = await channelOf(owner, reporters);
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push((await send(owner, channel, `${i}`)).body.messageId);
  for (const reporter of reporters.slice(0, 5)) {
    for (const id of ids) expect((await report(reporter, id)).status).toBe(201);
  }
  const [, , , , , sixth] = reporters;
  if (!sixth) throw new Error("six");
  expect(await report(sixth, ids[0] ?? "")).toMatchObject({
    status: 429,
    body: { code: "rate_limited", limit: "reports_per_conversation" },
  });
});

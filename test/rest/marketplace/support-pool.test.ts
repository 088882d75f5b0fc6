import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Caller, person, someone, tokenFor } from "../../support.ts";
import { CHATS, idsOf, participantsOf } from "./chats.ts";

/** Removes all users. */
beforeEach(() => env.DB.exec("DELETE FROM users"));
afterEach(() => void vi.useRealTimers());

/** Creates this many users of a role, each seen a minute after the user before. */
async function seen(count: number, role: string): Promise<Caller[]> {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  vi.setSystemTime(Date.now() + 60_000);
  return Promise.all(Array.from({ length: count }, () => person(role, { role })));
}

async function inSupportChat(): Promise<{ caller: Caller; inIt: string[] }> {
  const [caller] = await seen(1, "user");
  if (!caller) throw new Error("somebody");
  const { chat } = (await caller.post(`${CHATS}/support`, {})).body.data;
  return { caller, inIt: participantsOf(chat) };
}

test("201 with at most fifty: all of support, then the most recently seen admins", async () => {
  const agents = await seen(20, "support");
  await seen(40, "admin");
  const admins = [...(await seen(10, "admin")), ...(await seen(20, "admin"))];
  const { caller, inIt } = await inSupportChat();
  expect(inIt).toEqual(idsOf(caller, ...agents, ...admins));
});

const DAY_MS = 86_400_000;

/** Provisions users; returns their ids, and the participants of a new support chat. */
async function provisioned(role: string, count: number): Promise<string[]> {
  const [host] = await seen(1, "admin");
  const users = Array.from({ length: count }, () => ({ id: someone(`provisioned-${role}`), role }));
  await host?.put("/api/users", { users });
  return users.map(({ id }) => id);
}

test("201 with support roles from tokens for 30 days after the user was seen, and provisioned ones without limit", async () => {
  const [host, early, late] = [...(await seen(1, "admin")), ...(await seen(2, "support"))];
  const [id] = await provisioned("support", 1);
  if (!host || !early || !late || !id) throw new Error("four people");
  const pool = async () => {
    const { inIt } = await inSupportChat();
    return [host.userId, early.userId, late.userId, id].filter((one) => inIt.includes(one));
  };
  vi.setSystemTime(Date.now() + 20 * DAY_MS);
  const token = await tokenFor(late.userId, { role: "support" });
  expect((await new Caller(late.userId, token).get("/api/chat")).status).toBe(200);
  expect(await pool()).toEqual([host.userId, early.userId, late.userId, id]);
  vi.setSystemTime(Date.now() + 10 * DAY_MS);
  expect(await pool()).toEqual([late.userId, id]);
  vi.setSystemTime(Date.now() + 400 * DAY_MS);
  expect(await pool()).toEqual([id]);
});

test("201 with a user who is both support and admin once", async () => {
  await seen(5, "admin");
  const admins = await seen(20, "admin");
  const agents = await seen(30, "support");
  const users = agents.map(({ userId }) => ({ id: userId, role: "admin" }));
  expect((await admins[0]?.put("/api/users", { users }))?.status).toBe(200);
  const { caller, inIt } = await inSupportChat();
  expect(inIt).toEqual(idsOf(caller, ...agents, ...admins));
});

test("201 with the fifty most recently seen of support, and no admin", async () => {
  await seen(10, "support");
  const agents = [...(await seen(20, "support")), ...(await seen(30, "support"))];
  const { caller, inIt } = await inSupportChat();
  expect(inIt).toEqual(idsOf(caller, ...agents));
});

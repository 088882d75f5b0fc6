import { afterEach, expect, test, vi } from "vitest";
import { type Caller, person } from "../../support.ts";
import { CHATS, idsOf, participantsOf } from "./chats.ts";

afterEach(() => void vi.useRealTimers());

/** So many people of a role, who are seen a minute after whoever was seen before. */
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

test("201 with at most fifty: all of support, then the admins who were seen most recently", async () => {
  const agents = await seen(20, "support");
  await seen(40, "admin");
  const admins = [...(await seen(10, "admin")), ...(await seen(20, "admin"))];
  const { caller, inIt } = await inSupportChat();
  expect(inIt).toEqual(idsOf(caller, ...agents, ...admins));
});

test("201 with the fifty of support who were seen most recently, and no admin", async () => {
  await seen(10, "support");
  const agents = [...(await seen(20, "support")), ...(await seen(30, "support"))];
  const { caller, inIt } = await inSupportChat();
  expect(inIt).toEqual(idsOf(caller, ...agents));
});

import { afterEach, expect, test, vi } from "vitest";
import { type Caller, person } from "../../support.ts";
import { CHATS, participantsOf } from "./chats.ts";

afterEach(() => void vi.useRealTimers());

const named = (name: string, count: number) => Array.from({ length: count }, (_, i) => name + i);

function provision(admin: Caller, ids: string[], role: string) {
  return admin.put("/api/users", { users: ids.map((id) => ({ id, role })) });
}

test("201 with at most fifty: all of support, then the admins who were seen most recently", async () => {
  const admin = await person("admin", { role: "admin" });
  const caller = await person("caller");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const seen = async (ids: string[], role: string) => {
    vi.setSystemTime(Date.now() + 1_000);
    await provision(admin, ids, role);
  };
  await seen(named("agent", 20), "support");
  await seen(named("long-ago", 40), "admin");
  await seen(named("earlier", 10), "admin");
  await seen(named("lately", 20), "admin");
  const { chat } = (await caller.post(`${CHATS}/support`, {})).body.data;
  expect(participantsOf(chat)).toEqual(
    [caller.userId, ...named("agent", 20), ...named("earlier", 10), ...named("lately", 20)].sort(),
  );
});

test("201 with the fifty of support who were seen most recently, and no admin", async () => {
  const admin = await person("admin", { role: "admin" });
  const caller = await person("caller");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_000 });
  await provision(admin, named("fresh", 50), "support");
  const { chat } = (await caller.post(`${CHATS}/support`, {})).body.data;
  expect(participantsOf(chat)).toEqual([caller.userId, ...named("fresh", 50)].sort());
});

import { expect, onTestFinished, test, vi } from "vitest";
import { Hub, Io } from "../gateway/line.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import { type Caller, groupOf, person, send } from "../support.ts";
import { projected, settled } from "./epochs.ts";
import { TimeMachine } from "./time-machine.ts";
import { fireUntilEnd } from "./with-kills.ts";

/** A conversation is restored to an earlier time, through the admin API. */

async function restored(admin: Caller, id: string, at: number) {
  const path = `/api/admin/conversations/${id}/restore`;
  const { status, body } = await admin.post(path, {
    at: new Date(at).toISOString(),
    reason: "a mistake",
  });
  expect(status).toBe(202);
  return fireUntilEnd(body.job.id);
}

/** Resolves once the clock has moved on. */
async function later(): Promise<void> {
  const now = Date.now();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now), { interval: 1 });
}

test("everybody comes to see the restored state, and nothing of the later time is left", async () => {
  const machine = new TimeMachine();
  const admin = await person("admin", { role: "admin" });
  const [alice, bob, carl, dora, eve] = [
    ...[await person("alice"), await person("bob"), await person("carl")],
    ...[await person("dora"), await person("eve")],
  ] as const;
  const id = await groupOf(alice, bob, carl, eve);
  const messages: string[] = [];
  for (let number = 1; number <= 5; number++) {
    const more = number === 2 ? { mentions: [bob.userId] } : {};
    messages.push((await send(alice, id, `message ${number}`, more)).body.messageId);
  }
  await alice.delete(`/api/v1/chat/messages/${messages[0]}`);
  await settled(id);
  const before = await projected(id);
  const at = await machine.record(id);
  await later();

  // Everything that may change, changes, while people are connected by every way.
  const { parley, inbox: clientInbox } = clientOf(carl);
  const client = await parley.conversation(id, { over: clientInbox }).connect().live();
  const native = await clientOf(alice).parley.conversation(id).connect().live();
  onTestFinished(() => native.close());
  const inbox = await openListed(bob);
  const room = await (await openRooms(bob)).open(id);
  const [io, hub] = [await Io.connect(eve), await Hub.connect(bob)];
  await io.ask("join-chat-room", id);
  const { rev } = await hub.ask("JoinConversation", id);
  await alice.delete(`/api/v1/chat/messages/${messages[2]}`);
  for (let number = 6; number <= 9; number++) await send(bob, id, `later ${number}`);
  await send(alice, id, "to everybody", { mentionsAll: true });
  await carl.post(`/api/v1/chat/messages/${messages[4]}/read`);
  await alice.post(`/api/chat/${id}/participants`, { userId: dora.userId });
  await vi.waitFor(() => expect(client.messages.some(textIs("later 9"))).toBe(true));
  const doras = await openListed(dora);
  expect(doras.entry(id)).toBeDefined();

  const view = await restored(admin, id, at);
  expect(view).toMatchObject({ state: "done", error: null });
  expect(machine.restores).toHaveLength(1);

  await settled(id);
  const now = await projected(id);
  expect({ ...now, epochs: [] }).toEqual({ ...before, epochs: [] });
  expect(now["epochs"]).toHaveLength(1);

  // Clients.
  const texts = ["", "message 2", "message 3", "message 4", "message 5"];
  for (const one of [client, native]) {
    await vi.waitFor(() => expect(one.messages.map(({ content }) => content)).toEqual(texts), {
      timeout: 15_000,
    });
  }
  await vi.waitFor(() => expect(doras.entry(id)).toBeUndefined(), { timeout: 10_000 });
  await vi.waitFor(
    () => expect(inbox.entry(id)).toMatchObject({ lastNumber: 5, unread: 4, mentions: 1 }),
    { timeout: 10_000 },
  );
  await vi.waitFor(() =>
    expect(room.end !== undefined || room.all("sync").some(({ reset }) => reset)).toBe(true),
  );
  await Promise.all([io.line.closed, hub.line.closed]);
  const again = await Hub.connect(bob);
  expect(await again.ask("JoinConversation", id, rev)).toMatchObject({ reset: true });

  // Nobody finds anything of the later time.
  const found = await bob.get("/api/v1/chat/search?q=later");
  expect(JSON.stringify(found.body)).not.toContain("later");
  const list = await dora.get("/api/v1/chat/conversations");
  expect(JSON.stringify(list.body)).not.toContain(id);

  // It goes on as any other.
  await send(bob, id, "afterwards");
  await vi.waitFor(() => expect(client.messages.at(-1)?.content).toBe("afterwards"), {
    timeout: 10_000,
  });
  await settled(id);
});

function textIs(text: string) {
  return ({ content }: { content: string }) => content === text;
}

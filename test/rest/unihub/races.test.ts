import { describe, expect, test } from "vitest";
import { text, together } from "../../conversation/together.ts";
import { type Answer, type Caller, channelOf, groupOf, openLive, person } from "../../support.ts";
import { entryOf, page } from "../requests.ts";
import {
  add,
  CHANNELS,
  channel,
  expectError,
  newest,
  outcomes,
  people,
  remove,
  staffed,
} from "./client.ts";

/** The members of a channel: by its own list, which must agree with its own count and with D1's. */
async function membersOf(owner: Caller, id: string): Promise<string[]> {
  const { body } = await owner.get(channel(id, "/members"));
  expect((await owner.get(channel(id))).body.memberCount).toBe(body.length);
  const mine = await owner.get(`${CHANNELS}/my-channels`);
  expect(mine.body).toMatchObject([{ channelId: id, memberCount: body.length }]);
  return body.map(({ userId }: { userId: string }) => userId);
}

function ids(callers: readonly Caller[]): string[] {
  return callers.map(({ userId }) => userId).sort();
}

/** Divides participants of a race into those who succeeded and those who did not. */
function split(callers: readonly Caller[], answers: readonly Answer[]) {
  const through = callers.filter((_, i) => answers[i]?.status === 200);
  return { through, refused: callers.filter((caller) => !through.includes(caller)) };
}

describe("a channel", () => {
  test("of two moderators who remove each other concurrently, one stays", async () => {
    const { owner, moderator, member, id } = await staffed();
    await owner.post(channel(id, "/moderators"), { userId: member.userId });
    const answers = await Promise.all([
      moderator.delete(channel(id, `/members/${member.userId}`)),
      member.delete(channel(id, `/members/${moderator.userId}`)),
    ]);
    expect(outcomes(answers)).toEqual({ "200": 1, "403 not_a_member": 1 });
    const { through } = split([moderator, member], answers);
    expect(await membersOf(owner, id)).toEqual(ids([owner, ...through]));
  });

  test("joined while it is archived: those before the archiving are members, and none after", async () => {
    const owner = await person("owner");
    const id = await channelOf(owner);
    const guests = await people(12);
    const join = (guest: Caller) => guest.post(channel(id, "/join"));
    const joins = guests.slice(0, 6).map(join);
    const archiving = owner.post(channel(id, "/archive"));
    const answers = await Promise.all([...joins, ...guests.slice(6).map(join)]);
    expect((await archiving).status).toBe(200);
    for (const answer of answers) {
      if (answer.status !== 200) expectError(answer, 400, "channel_archived");
    }
    const { through, refused } = split(guests, answers);
    expect(await membersOf(owner, id)).toEqual(ids([owner, ...through]));
    for (const guest of refused) expectError(await page(guest, id), 403, "not_a_member");
    expectError(await join(await person("late")), 400, "channel_archived");
  });

  test("joined before and after the archiving in one group commit", async () => {
    const owner = await person("owner");
    const id = await channelOf(owner);
    const [early, late] = [await person("early"), await person("late")];
    const done = await together(id, [
      [early, { type: "join" }],
      [owner, { type: "close" }],
      [late, { type: "join" }],
      [owner, { type: "reopen" }],
      [late, { type: "join" }],
      [early, { type: "leave" }],
    ]);
    expect(done).toEqual(["ok", "ok", "channel_archived", "ok", "ok", "ok"]);
    expect(await membersOf(owner, id)).toEqual(ids([owner, late]));
  });

  test("twenty users who join concurrently are all members, once each", async () => {
    const owner = await person("owner");
    const id = await channelOf(owner);
    const o = await openLive(owner, id);
    const guests = await people(20);
    const answers = await Promise.all(guests.map((guest) => guest.post(channel(id, "/join"))));
    expect(outcomes(answers)).toEqual({ "200": 20 });
    expect(await membersOf(owner, id)).toEqual(ids([owner, ...guests]));
    await o.until(() => o.all("member").length === 20);
    expect(new Set(o.all("member").map(({ member }) => member.userId)).size).toBe(20);
  });

  test("a user who joins twenty times concurrently is a member once", async () => {
    const owner = await person("owner");
    const id = await channelOf(owner);
    const guest = await person("guest");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => guest.post(channel(id, "/join"))),
    );
    expect(outcomes(answers)).toEqual({ "200": 1, "400 already_a_member": 19 });
    expect(await membersOf(owner, id)).toEqual(ids([owner, guest]));
  });

  test("an invitation admits one user once, however often they try", async () => {
    const owner = await person("owner");
    const id = await channelOf(owner, [], { isPublic: false });
    const guest = await person("guest");
    await owner.post(channel(id, "/invitations"), { userId: guest.userId });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => guest.post(channel(id, i % 2 ? "/leave" : "/join"))),
    );
    expect(
      answers.filter((_, i) => i % 2 === 0).filter(({ status }) => status === 200),
    ).toHaveLength(1);
    const left = answers.some(({ status }, i) => i % 2 === 1 && status === 200);
    expect(await membersOf(owner, id)).toEqual(ids(left ? [owner] : [owner, guest]));
  });

  test("a moderator who is demoted and removes a member concurrently succeeds before the demotion or not at all", async () => {
    const { owner, moderator, member, id } = await staffed();
    const [demoting, expelling] = await Promise.all([
      owner.delete(channel(id, `/moderators/${moderator.userId}`)),
      moderator.delete(channel(id, `/members/${member.userId}`)),
    ]);
    expect(demoting.status).toBe(200);
    if (expelling.status !== 200) expectError(expelling, 403, "forbidden");
    const stays = expelling.status === 200 ? [] : [member];
    expect(await membersOf(owner, id)).toEqual(ids([owner, moderator, ...stays]));
  });
});

describe("a group", () => {
  test("to which ten concurrent calls add the same user has them once, with one system message", async () => {
    const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person()]);
    const group = await groupOf(alice, bob, carol);
    const dave = await person("dave", { name: "Dave" });
    const answers = await Promise.all(Array.from({ length: 10 }, () => add(alice, group, dave)));
    expect(outcomes(answers)).toEqual({ "200": 1, "400 already_a_member": 9 });
    const { body } = await page(alice, group);
    expect(body.items).toMatchObject([{ content: "Dave was added", type: "System" }]);
    expect((await entryOf(dave, group)).participantIds.sort()).toEqual(
      ids([alice, bob, carol, dave]),
    );
  });

  test.each(["in", "not in"])(
    "a user who is %s it is added and removed concurrently: the result is that of one of the two orders",
    async (state) => {
      const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person()]);
      const dave = await person("dave", { name: "Dave" });
      const group = await groupOf(alice, bob, carol);
      if (state === "in") await add(alice, group, dave);
      const [adding, removing] = await Promise.all([
        add(alice, group, dave),
        remove(alice, group, dave),
      ]);
      const both = [adding.body.code ?? "added", removing.body.code ?? "removed"].join();
      // The outcomes and the members, for each of the two orders.
      const orders: Record<string, boolean> =
        state === "in"
          ? { "already_a_member,removed": false, "added,removed": true }
          : { "added,removed": false, "added,participant_not_found": true };
      expect(Object.keys(orders)).toContain(both);
      const isIn = (await entryOf(alice, group)).participantIds.includes(dave.userId);
      expect(isIn).toBe(orders[both]);
      expect((await page(dave, group)).status).toBe(isIn ? 200 : 403);
      expect((await newest(alice, group)).content).toBe(`Dave was ${isIn ? "added" : "removed"}`);
    },
  );

  test("a member who is removed, added and removed in one group commit is not a member", async () => {
    const [alice, bob, carol] = await Promise.all([
      person("alice"),
      person("bob", { name: "Bob" }),
      person("carol"),
    ]);
    const group = await groupOf(alice, bob, carol);
    const bobAsPerson = { userId: bob.userId, name: "Bob", avatarUrl: null };
    const adding = { type: "add", person: bobAsPerson } as const;
    const removing = { type: "remove", userId: bob.userId } as const;
    const done = await together(group, [
      [alice, removing],
      [bob, text("I am out")],
      [alice, adding],
      [alice, adding],
      [bob, text("I am back")],
      [alice, removing],
      [alice, removing],
    ]);
    const ok = "ok";
    expect(done).toEqual([
      ok,
      "not_a_member",
      ok,
      "already_a_member",
      ok,
      ok,
      "participant_not_found",
    ]);
    expect(
      (await page(alice, group)).body.items.map(({ content }: { content: string }) => content),
    ).toEqual(["Bob was removed", "I am back", "Bob was added", "Bob was removed"]);
    expect((await entryOf(carol, group)).participantIds.sort()).toEqual(ids([alice, carol]));
  });

  test("of which all members leave concurrently keeps two, one of whom is the owner", async () => {
    const members = await people(6);
    const [owner, other] = members;
    if (!owner || !other) throw new Error("six people");
    const group = await groupOf(...members);
    const answers = await Promise.all(members.map((member) => remove(member, group, member)));
    expect(outcomes(answers)).toEqual({ "200": 4, "400 too_few_members": 2 });
    const { refused } = split(members, answers);
    const [one, two] = refused;
    if (!one || !two) throw new Error("two stay");
    expect((await entryOf(one, group)).participantIds.sort()).toEqual(ids(refused));
    const guest = await person("guest");
    const adding = [await add(one, group, guest), await add(two, group, guest)];
    expect(adding.filter(({ body }) => body.code === "forbidden")).toHaveLength(1);
  });
});

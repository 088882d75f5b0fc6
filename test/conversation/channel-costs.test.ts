import { describe, expect, test } from "vitest";
import { messageIdOf } from "../../src/domain/id.ts";
import { PREVIEWED_MEMBERS } from "../../src/domain/inbox.ts";
import { type Caller, channelOf, directPair, openLive, person, send } from "../support.ts";
import { type Counted, counting, tellInboxes } from "./counters.ts";
import { seededId, seedMembers, seedMessages, seedScatteredReads } from "./seeds.ts";

const MEMBERS = 10_000;
const MESSAGES = 10_000;
const CHAT = "/api/v1/chat";

/** Runs something that must succeed, and counts its cost. */
function cost(conversationId: string, action: () => Promise<{ status: number }>): Promise<Counted> {
  return counting(conversationId, async () => {
    expect((await action()).status).toBe(200);
  });
}

describe("a channel of 10,000 members", () => {
  async function channels(...sizes: number[]) {
    const owner = await person("owner");
    const made: string[] = [];
    for (const size of sizes) {
      const id = await channelOf(owner);
      if (size > 1) await seedMembers(id, size - 1);
      await send(owner, id, "hello");
      await tellInboxes(id);
      // Awake, and with the projector's alarm set, so that only the command is counted.
      await send(owner, id, "hello again");
      made.push(id);
    }
    return { owner, made };
  }

  test("joining and leaving cost as few rows as in a channel of three", async () => {
    const { made } = await channels(3, MEMBERS);
    const costs: Counted[] = [];
    for (const id of made) {
      const path = (action: string) => `${CHAT}/channels/${id}/${action}`;
      const guest = await person("guest");
      costs.push(await cost(id, () => guest.post(path("join"))));
      costs.push(await cost(id, () => guest.post(path("leave"))));
    }
    const [joinSmall, leaveSmall, joinLarge, leaveLarge] = costs;
    for (const [small, large] of [
      [joinSmall, joinLarge],
      [leaveSmall, leaveLarge],
    ]) {
      // In a small one those who join are armed: a row when they come, and one when they leave.
      expect(large?.rowsWritten).toBe(Number(small?.rowsWritten) - 1);
      expect(large?.d1RowsWritten).toBe(small?.d1RowsWritten);
      expect(large?.rowsRead).toBeLessThanOrEqual(Number(small?.rowsRead) + PREVIEWED_MEMBERS);
      expect(large?.d1RowsRead).toBe(small?.d1RowsRead);
    }
    for (const { rowsWritten, rowsRead, d1RowsWritten, d1RowsRead } of costs) {
      expect(rowsWritten).toBeGreaterThan(0);
      expect(rowsWritten).toBeLessThanOrEqual(5);
      expect(rowsRead).toBeLessThanOrEqual(20);
      expect(d1RowsWritten).toBeGreaterThan(0);
      expect(d1RowsWritten).toBeLessThanOrEqual(5);
      expect(d1RowsRead).toBeLessThanOrEqual(20);
    }
  });

  test("removing a member, adding a moderator and inviting read no more rows", async () => {
    const { owner, made } = await channels(3, MEMBERS);
    const guest = await person("guest");
    const costs: Counted[][] = [];
    for (const id of made) {
      const path = (rest: string) => `${CHAT}/channels/${id}${rest}`;
      const userId = seededId(1);
      costs.push([
        await cost(id, () => owner.post(path("/moderators"), { userId })),
        await cost(id, () => owner.delete(path(`/moderators/${userId}`))),
        await cost(id, () => owner.delete(path(`/members/${userId}`))),
        await cost(id, () => owner.post(path("/invitations"), { userId: guest.userId })),
      ]);
    }
    const [small = [], large = []] = costs;
    const apartFromReads = small.map(({ rowsRead, ...rest }) => rest);
    expect(large).toMatchObject(apartFromReads);
    // The inbox row of the channel's owner names members.
    for (const [i, { rowsRead }] of large.entries()) {
      expect(rowsRead).toBeLessThanOrEqual(Number(small[i]?.rowsRead) + PREVIEWED_MEMBERS);
    }
  });

  test("accepting a member's socket reads no more than the first page of members", async () => {
    const { owner, made } = await channels(300, MEMBERS);
    const costs: Counted[] = [];
    for (const id of made) costs.push(await counting(id, () => openLive(owner, id)));
    expect(costs[1]?.rowsRead).toBe(costs[0]?.rowsRead);
  });
});

describe("a conversation of 10,000 messages", () => {
  async function tenThousand() {
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, MESSAGES, alice.userId);
    const id = (number: number) => messageIdOf(conversationId, number);
    return { alice, bob, conversationId, id };
  }

  test("page 200 reads as many rows as page 1", async () => {
    const { bob, conversationId } = await tenThousand();
    const page = (number: number) =>
      cost(conversationId, async () => {
        const answer = await bob.get(
          `${CHAT}/messages?conversationId=${conversationId}&page=${number}`,
        );
        expect(answer.body.items).toHaveLength(50);
        return answer;
      });
    await page(2);
    const [first, last] = [await page(1), await page(200)];
    expect(first.rowsRead).toBeGreaterThanOrEqual(50);
    expect(last.rowsRead).toBe(first.rowsRead);
    expect(first.rowsRead).toBeLessThanOrEqual(60);
  });

  test("the receipts of an old message read as many rows as those of a new one", async () => {
    const { alice, bob, conversationId, id } = await tenThousand();
    await seedScatteredReads(conversationId, bob.userId, MESSAGES);
    const receipts = (number: number) =>
      cost(conversationId, async () => {
        const answer = await alice.get(`${CHAT}/messages/${id(number)}/read-receipts`);
        expect(answer.body).toHaveLength(number % 2 ? 0 : 1);
        return answer;
      });
    await receipts(5_000);
    const costs = [
      await receipts(2),
      await receipts(9_998),
      await receipts(3),
      await receipts(9_997),
    ];
    const [old, recent, oldUnread, recentUnread] = costs.map(({ rowsRead }) => rowsRead);
    expect(old).toBe(recent);
    expect(oldUnread).toBe(recentUnread);
    for (const rowsRead of [old, oldUnread]) expect(rowsRead).toBeLessThanOrEqual(20);
  });

  test("marking an old message as read costs as much as marking a new one", async () => {
    const { bob, conversationId, id } = await tenThousand();
    await seedScatteredReads(conversationId, bob.userId, MESSAGES);
    const read = (number: number) =>
      cost(conversationId, () => bob.post(`${CHAT}/messages/${id(number)}/read`));
    await read(5_001);
    const [old, recent] = [await read(21), await read(9_979)];
    expect(recent.rowsWritten).toBe(old.rowsWritten);
    expect(recent.rowsRead).toBe(old.rowsRead);
    expect(old.rowsRead).toBeLessThanOrEqual(40);
  });

  test("a reaction to an old message costs as much as one to a new one", async () => {
    const { bob, conversationId, id } = await tenThousand();
    const react = (by: Caller, number: number) =>
      cost(conversationId, () =>
        by.post(`${CHAT}/messages/${id(number)}/reactions`, { emoji: "👍" }),
      );
    await react(bob, 5_000);
    const [old, recent] = [await react(bob, 1), await react(bob, 9_999)];
    expect(recent.rowsWritten).toBe(old.rowsWritten);
    expect(recent.rowsRead).toBe(old.rowsRead);
    expect(old.rowsWritten).toBeLessThanOrEqual(6);
  });
});

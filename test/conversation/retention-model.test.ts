import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { type Caller, fireAlarms, groupOf, person } from "../support.ts";
import { age, removeDue } from "./retaining.ts";
import { within } from "./searching.ts";
import { expectCounts, type Message, UnreadWorld } from "./unread-world.ts";

/**
 * Unread messages and mentions of random people in a group whose messages are removed by retention at random times,
 * counted by the object, by D1, by a client and by a plain model that looks at every message. To repeat a run:
 * `VITE_RETENTION_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_RETENTION_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);
const RUNS = Number(process.env["VITE_RETENTION_RUNS"] ?? 4);
const STEPS = 90;
afterEach(() => {
  vi.restoreAllMocks();
});

/** The same, where messages are pinned, and go. */
class World extends UnreadWorld {
  readonly pins = new Set<Message>();
  purgedTo = 0;
  agedTo = 0;

  override get there(): Message[] {
    return this.messages.filter((one) => one.number > this.purgedTo || this.pins.has(one));
  }

  protected override counts({ number }: Message): boolean {
    return number > this.purgedTo;
  }

  /** Those that were made old are not. */
  protected override isEditable({ number }: Message): boolean {
    return number > this.agedTo;
  }

  protected override get weights(): Record<string, number> {
    return {
      ...super.weights,
      ...{ readAll: 0.2, block: 2, unblock: 1, pin: 2, unpin: 1, purge: 3 },
    };
  }

  protected override async act(who: Caller, what: string): Promise<void> {
    switch (what) {
      case "pin": {
        const message = this.random.any(this.living);
        if (message) await this.pin(message, true);
        break;
      }
      case "unpin": {
        const message = this.random.any([...this.pins]);
        if (message) await this.pin(message, false);
        break;
      }
      case "purge":
        await this.purge("some");
        break;
      default:
        await super.act(who, what);
    }
  }

  protected override deleted(message: Message): void {
    this.pins.delete(message);
  }

  /** An object hibernates when nothing is on its way; one that crashes loses its sockets. */
  protected override async beforeEviction(): Promise<void> {
    this.purgedTo = await removeDue(this.group);
    await within(this.group, (_, storage) => storage.sync());
  }

  private async pin(message: Message, isPinned: boolean): Promise<void> {
    const path = `/api/v1/chat/conversations/${this.group}/pins/${message.id}`;
    const { status } = await (isPinned ? this.owner.put(path) : this.owner.delete(path));
    expect(status).toBe(204);
    if (isPinned) this.pins.add(message);
    else this.pins.delete(message);
  }

  /** Some of the oldest messages become due, or all of them; while D1 fails they stay. */
  async purge(what: "some" | "all"): Promise<void> {
    const last = await within(this.group, ({ memory }) => memory.counters.lastNumber);
    const to = what === "all" ? last : this.random.below(last + 1);
    await age(this.group, to);
    this.agedTo = Math.max(this.agedTo, to);
    this.purgedTo = await removeDue(this.group);
  }
}

/** What is there of the members' messages: in the object's tables, its history and its counters. */
async function stored(owner: Caller, group: string): Promise<unknown> {
  const { body } = await owner.get(`/api/v1/chat/messages?conversationId=${group}&pageSize=100`);
  const rows = await within(group, ({ sql, memory }) => ({
    numbers: sql
      .exec<{ number: number }>(
        "SELECT number FROM messages WHERE sender_id IS NOT NULL ORDER BY 1",
      )
      .toArray()
      .map(({ number }) => number),
    counted: memory.counters.counted,
    lastCounted: memory.counters.lastCounted,
    left: sql
      .exec<{ left: number }>(
        `SELECT (SELECT count(*) FROM mentions WHERE number <= ?1)
           + (SELECT count(*) FROM unmentioned WHERE number <= ?1) AS left`,
        memory.conversation.purgedTo ?? 0,
      )
      .one().left,
  }));
  const page = body.items
    .filter(({ senderId }: { senderId: string | null }) => senderId !== null)
    .map(({ messageId }: { messageId: string }) => parseMessageId(messageId)?.number)
    .reverse();
  return { ...rows, page };
}

test.each(Array.from({ length: RUNS }, (_, run) => run))(
  "object, D1, a client and a model count the same while messages go: run %i",
  async (run) => {
    const seed = SEED + run;
    console.log(`VITE_RETENTION_SEED=${SEED}`);
    const people = await Promise.all(["a", "b", "c", "d"].map((name) => person(name)));
    const group = await groupOf(...people);
    await within(group, (open) => open.submitAll(RETAINING, [{ type: "retain", days: 1 }]));
    const world = new World(seed, people, group);
    const [watcher] = people;
    if (!watcher) throw new Error("nobody");
    const conversation = clientOf(watcher).parley.conversation(group);
    onTestFinished(() => conversation.close());
    await conversation.connect().live();
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      log.push(await world.step());
      if (step === STEPS) await world.purge("all");
      if (step % 10 !== 0 && step !== STEPS) continue;
      const at = `seed ${SEED}, run ${run}, step ${step}: ${log.join(", ")}`;
      await fireAlarms(group);
      world.purgedTo = await removeDue(group);
      const numbers = world.there.map(({ number }) => number);
      expect(await stored(watcher, group), at).toEqual({
        ...{ numbers, page: numbers, left: 0, counted: world.living.length },
        lastCounted: world.living.at(-1)?.number ?? 0,
      });
      await expectCounts(world, at);
      await vi.waitFor(
        () => {
          expect(conversation.unread, at).toBe(world.unread(watcher).length);
          const shown = conversation.messages.filter(({ senderId }) => senderId !== null);
          expect(
            shown.map(({ number }) => number),
            at,
          ).toEqual(numbers);
        },
        { timeout: 5_000 },
      );
    }
    expect(world.purgedTo, `seed ${SEED}, run ${run}`).toBeGreaterThan(0);
  },
  60_000,
);

import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { Random } from "../random.ts";
import { type Caller, evict, fireAlarms, groupOf, objectOf, person } from "../support.ts";

/**
 * Unread mentions of random people, counted by the object, by D1 and by a plain model. To repeat a run:
 * `VITE_MENTIONS_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_MENTIONS_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);
const STEPS = 90;
/** Messages that are edited, and read out of order, are among the newest so many. */
const RECENT = 8;

afterEach(() => {
  vi.restoreAllMocks();
});

interface Message {
  id: string;
  by: Caller;
  mentions: readonly Caller[];
  mentionsAll: boolean;
  isDeleted: boolean;
}

/** A group as the documentation describes it: lists that are searched completely. */
class World {
  readonly random: Random;
  readonly messages: (Message | undefined)[] = [];
  readonly read = new Map<Caller, Set<string>>();
  present: Caller[];
  readonly group: string;
  private readonly people: readonly Caller[];

  constructor(seed: number, people: readonly Caller[], group: string) {
    this.random = new Random(seed);
    this.people = people;
    this.present = [...people];
    this.group = group;
    for (const one of people) this.read.set(one, new Set());
  }

  get owner(): Caller {
    const [owner] = this.people;
    if (!owner) throw new Error("nobody");
    return owner;
  }

  get living(): Message[] {
    return this.messages.flatMap((one) => (one && !one.isDeleted ? [one] : []));
  }

  unread(who: Caller): string[] {
    return this.living
      .filter(
        ({ by, mentions, mentionsAll }) => by !== who && (mentionsAll || mentions.includes(who)),
      )
      .map(({ id }) => id)
      .filter((id) => !this.read.get(who)?.has(id));
  }

  /** Reads everything so far without a trace in the history, as joining does. */
  joins(who: Caller): void {
    for (const message of this.messages) if (message) this.read.get(who)?.add(message.id);
  }

  private some(): Caller[] {
    return this.present.filter(() => this.random.chance(0.3));
  }

  async step(): Promise<string> {
    const { random, group, owner } = this;
    const who = random.pick(this.present);
    const what = random.weighted({
      ...{ send: 8, edit: 6, delete: 1, readOne: 8, readSome: 1, readAll: 0.3 },
      ...{ leave: 1, add: 2, evict: 1, outage: 1 },
    });
    switch (what) {
      case "send": {
        const mentions = this.some();
        const mentionsAll = who === owner && random.chance(0.4);
        const path = `/api/chat/${group}/messages`;
        const { status, body } = await who.post(path, {
          content: "hello",
          ...(random.chance(0.8) && { mentions: idsOf(mentions), mentionsAll }),
        });
        expect(status).toBe(201);
        const { message } = body.data;
        const said = message.mentions?.length > 0 || message.mentionsAll === true;
        this.messages.push({
          ...{ id: message._id, by: who, isDeleted: false },
          mentions: said ? mentions : [],
          mentionsAll: said && mentionsAll,
        });
        break;
      }
      case "edit": {
        const message = random.any(this.living.slice(-RECENT));
        if (!message || !this.present.includes(message.by)) break;
        const asked = {
          ...(random.chance(0.7) && { mentions: this.some() }),
          ...(message.by === owner && random.chance(0.5) && { mentionsAll: random.chance(0.5) }),
        };
        const path = `/api/chat/${group}/messages/${message.id}`;
        const { status } = await message.by.put(path, {
          content: "changed",
          ...asked,
          ...(asked.mentions && { mentions: idsOf(asked.mentions) }),
        });
        expect(status).toBe(200);
        Object.assign(message, asked);
        break;
      }
      case "delete": {
        const message = random.any(this.living);
        if (!message || !this.present.includes(message.by)) break;
        await message.by.delete(`/api/chat/${group}/messages/${message.id}`);
        message.isDeleted = true;
        break;
      }
      case "readOne": {
        const message = random.any(this.living.slice(-RECENT));
        if (!message) break;
        await who.post(`/api/v1/chat/messages/${message.id}/read`);
        this.read.get(who)?.add(message.id);
        break;
      }
      case "readSome": {
        const some = this.living.filter(() => random.chance(0.3));
        if (some.length === 0) break;
        const messageIds = some.map(({ id }) => id);
        await who.patch(`/api/chat/${group}/messages/read`, { messageIds });
        for (const id of messageIds) this.read.get(who)?.add(id);
        break;
      }
      case "readAll":
        await who.patch(`/api/chat/${group}/messages/read`);
        this.joins(who);
        break;
      case "leave":
        if (who === owner || this.present.length <= 2) break;
        await who.delete(`/api/v1/chat/conversations/${group}/participants/${who.userId}`);
        this.present = this.present.filter((one) => one !== who);
        break;
      case "add": {
        const gone = this.people.find((one) => !this.present.includes(one));
        if (!gone) break;
        const participantId = gone.userId;
        await owner.post(`/api/v1/chat/conversations/${group}/participants`, { participantId });
        this.present.push(gone);
        this.joins(gone);
        break;
      }
      case "evict":
        await evict(group, { webSockets: "hibernate" });
        break;
      case "outage":
        // The next write to D1 fails, whether or not it was carried out.
        if (random.chance(0.5)) failNextBatch(random.chance(0.5));
        break;
    }
    return `${this.people.indexOf(who)} ${what}`;
  }
}

function idsOf(people: readonly Caller[]): string[] {
  return people.map(({ userId }) => userId);
}

/** Lets a batch of D1 fail, before or after it was carried out. */
function failNextBatch(isLate: boolean): void {
  const batch = env.DB.batch.bind(env.DB);
  const spy = vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    spy.mockRestore();
    if (isLate) await batch(statements);
    throw new Error("D1 fails on purpose");
  });
}

/** What the object, D1's lists and the pages of the inbox count. */
async function counted(who: Caller, group: string): Promise<unknown[]> {
  const row = await objectOf(group).rearm(who.userId);
  const { rows } = await inboxRows(directoryOf(env.DB), who.userId, undefined);
  const page = rows.find(({ conversationId }) => conversationId === group);
  const { body: chats } = await who.get("/api/chat");
  const { body: conversations } = await who.get("/api/v1/chat/conversations");
  const { body: info } = await who.get(`/api/chat/${group}/info`);
  return [
    row && "mentions" in row ? row.mentions : undefined,
    page?.mentions,
    chats.data.chats[0]?.unreadMentions,
    conversations[0]?.unreadMentions,
    info.data.chat.unreadMentions,
  ];
}

test.each([0, 1, 2, 3])(
  "object, D1 and a model count the same unread mentions: run %i",
  async (run) => {
    const seed = SEED + run;
    console.log(`VITE_MENTIONS_SEED=${SEED}`);
    const people = await Promise.all(["a", "b", "c", "d"].map((name) => person(name)));
    const group = await groupOf(...people);
    const world = new World(seed, people, group);
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      log.push(await world.step());
      if (step % 15 !== 0 && step !== STEPS) continue;
      await fireAlarms(group);
      for (const who of world.present) {
        const expected = world.unread(who).length;
        const at = `seed ${SEED}, run ${run}, step ${step}, person ${people.indexOf(who)}: ${log.join(", ")}`;
        await vi.waitFor(
          async () => expect(await counted(who, group), at).toEqual(Array(5).fill(expected)),
          { timeout: 5_000 },
        );
      }
    }
  },
  60_000,
);

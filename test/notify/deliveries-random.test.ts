import { expect, test } from "vitest";
import type { Delivery, Notification, NotificationRead } from "../../src/domain/notification.ts";
import type { Receiver } from "../../src/notify/receiver.ts";
import { Random } from "../random.ts";
import { NotifiedUser } from "./user.ts";

/**
 * Random notifications, reads, outages, evictions and returns, against what must hold whatever happens. A
 * failure names its seed.
 */

const SEEDS = 8;
const STEPS = 80;
const CONVERSATIONS = ["c0", "c1", "c2", "c3", "c4"];
const MINUTE = 60_000;

interface Accepted {
  conversationId: string;
  id: string;
  /** The revision of its message; `undefined`: that everything was read. */
  rev: number | undefined;
}

/** A receiver that keeps what it accepts, and breaks as it is told. */
class Peer implements Receiver {
  readonly key: string;
  mode: "up" | "down" | "lossy" | "rejecting" | "patience" | "gone" = "up";
  readonly accepted: Accepted[] = [];
  /** What it accepted without being able to say so: repeated with the same id. */
  readonly unanswered = new Set<string>();
  readonly failures: string[] = [];
  private restsUntil = 0;
  private lastFailureAt = -1;
  private readonly user: () => NotifiedUser;
  private readonly random: Random;

  constructor(key: string, random: Random, user: () => NotifiedUser) {
    this.key = key;
    this.random = random;
    this.user = user;
  }

  async send(notification: Notification): Promise<Delivery> {
    const { conversation, id, message } = notification;
    const newest = this.user().unread.get(conversation.id);
    if (!newest || newest.text !== message?.text) {
      this.failures.push(`${this.key}: ${id} is not what is unread of ${conversation.id}`);
    }
    return this.answer({ conversationId: conversation.id, id, rev: newest?.rev });
  }

  forget(): void {
    // It continues to exist: the settings name it.
  }

  protected answer(item: Accepted): Delivery {
    const { now } = this.user();
    if (now < this.restsUntil && now !== this.lastFailureAt) {
      this.failures.push(`${this.key}: ${item.id} at ${now}, before ${this.restsUntil}`);
    }
    switch (this.mode) {
      case "up":
        this.accepted.push(item);
        return { outcome: "delivered" };
      case "gone":
        return { outcome: "gone" };
      case "rejecting":
        return { outcome: "retry", isRejected: true, reason: "rejected" };
      case "lossy":
        if (this.random.chance(0.5)) {
          this.accepted.push(item);
          this.unanswered.add(item.id);
        }
        return this.failed(undefined);
      case "down":
        return this.failed(undefined);
      default:
        return this.failed(this.random.between(1, 1_800) * 1_000);
    }
  }

  private failed(retryAfterMs: number | undefined): Delivery {
    this.lastFailureAt = this.user().now;
    this.restsUntil = this.lastFailureAt + Math.max(5_000, retryAfterMs ?? 0);
    return { outcome: "retry", retryAfterMs, reason: "down" };
  }
}

/** One that can withdraw what it was sent. */
class Withdrawing extends Peer {
  async sendRead({ conversationId, id }: NotificationRead): Promise<Delivery> {
    return this.answer({ conversationId, id, rev: undefined });
  }
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))("seed %i", async (seed) => {
  const random = new Random(seed);
  const user: NotifiedUser = new NotifiedUser([]);
  const host = new Withdrawing("host", random.fork(), () => user);
  const device = new Peer("device", random.fork(), () => user);
  const peers = [host, device];
  user.receivers = peers;
  /** By receiver and conversation: the newest that it must be told, since it last wanted anything. */
  const owed = new Map<string, number | "read">();
  const owe = (conversationId: string, what: number | "read") => {
    for (const { key } of peers) owed.set(`${key} ${conversationId}`, what);
  };
  const notify = async (conversationId: string) => {
    const before = user.unread.get(conversationId)?.rev;
    await user.notified(conversationId, `${conversationId} ${random.next()}`);
    owe(conversationId, user.unread.get(conversationId)?.rev ?? before ?? 0);
  };

  for (let step = 0; step < STEPS; step++) {
    switch (
      random.weighted({
        ...{ notify: 10, together: 2, read: 4, vanish: 1, edit: 2, pass: 8 },
        ...{ mode: 5, evict: 3, back: 1, unaskable: 1 },
      })
    ) {
      case "notify":
        await notify(random.pick(CONVERSATIONS));
        break;
      case "together":
        await Promise.all(CONVERSATIONS.map(notify));
        break;
      case "read": {
        const conversationId = random.pick(CONVERSATIONS);
        await user.reads(conversationId);
        owe(conversationId, "read");
        break;
      }
      case "vanish": {
        // Deleted, or muted: nothing is told of it, and nothing has to be.
        const conversationId = random.pick(CONVERSATIONS);
        user.unread.delete(conversationId);
        for (const { key } of peers) owed.delete(`${key} ${conversationId}`);
        break;
      }
      case "edit": {
        const conversationId = random.pick(CONVERSATIONS);
        const newest = user.unread.get(conversationId);
        if (newest) user.unread.set(conversationId, { ...newest, text: `${newest.text}, edited` });
        break;
      }
      case "pass":
        await user.pass(random.between(0, 10 * MINUTE), { evict: random.chance(0.5) });
        break;
      case "mode": {
        const modes = ["up", "up", "down", "lossy", "rejecting", "patience", "gone"] as const;
        random.pick(peers).mode = random.pick(modes);
        break;
      }
      case "evict":
        await user.evict();
        break;
      case "back":
        await user.in((deliveries) => deliveries.cameBack());
        break;
      default:
        user.isAskable = !user.isAskable;
    }
    // A receiver that wants no more is owed nothing.
    for (const row of await user.rows("delivery_receivers")) {
      if (row["stopped"] === 0) continue;
      for (const key of owed.keys()) if (key.startsWith(`${row["receiver"]} `)) owed.delete(key);
    }
    const rows = await user.rows("deliveries");
    expect(rows.length).toBeLessThanOrEqual(peers.length * CONVERSATIONS.length);
    if (rows.length > 0) expect(user.alarmAt).toBeLessThan(Number.POSITIVE_INFINITY);
  }

  for (const peer of peers) peer.mode = "up";
  user.isAskable = true;
  await user.pass(60 * MINUTE);

  expect(await user.rows("deliveries")).toEqual([]);
  for (const peer of peers) {
    expect(peer.failures).toEqual([]);
    for (const conversationId of CONVERSATIONS) {
      const told = peer.accepted.filter((item) => item.conversationId === conversationId);
      // Nothing is lost.
      const due = owed.get(`${peer.key} ${conversationId}`);
      const last = told.at(-1)?.rev;
      if (due === "read" && peer === host)
        expect(told.length === 0 || last === undefined).toBe(true);
      if (typeof due === "number") expect(last).toBe(due);
      // Nothing comes twice, but for what could not be confirmed, with its id.
      const definite = told.filter(({ id }) => !peer.unanswered.has(id));
      expect(new Set(definite.map(({ id }) => id)).size).toBe(definite.length);
      const revs = definite.flatMap(({ rev }) => rev ?? []);
      expect(revs).toEqual([...new Set(revs)].sort((a, b) => a - b));
    }
  }
});

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Rest } from "../../src/client/rest.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { COLLAPSE_MS } from "../../src/domain/notifying.ts";
import { PushService } from "../notify/push-service.ts";
import type { Random } from "../random.ts";
import type { Findings } from "./checks.ts";
import type { Model } from "./model.ts";
import { Mutes } from "./mutes.ts";

/** A message that nobody reads is pushed within this time. */
const PUSHED_WITHIN_MS = 90_000;
/** What stays unread for this long is pushed: ten seconds, and thirty behind the push before. */
const UNREAD_MS = 60_000;
/** A push that arrives so long after something was acknowledged was sent after it. */
const UNDERWAY_MS = 1_000;

const payload = z.object({ id: z.string(), conversationId: z.string(), body: z.string() });

interface Push {
  at: number;
  id: string;
  topic: string | undefined;
  /** The message that it shows. */
  messageId: string;
  number: number;
}

interface Missing {
  what: string;
  sentAt: number;
  /** What did reach the service. */
  seen: string;
}

/** A browser of each person, subscribed to a push service on loopback, and what arrives there. */
export class PushChecks {
  refused = 0;
  readonly mutes = new Mutes();
  private readonly service: PushService;
  /** By user id: their endpoint. */
  private readonly endpoints = new Map<string, string>();

  private constructor(service: PushService) {
    this.service = service;
  }

  static async start(): Promise<PushChecks> {
    return new PushChecks(await PushService.start());
  }

  stop(): Promise<void> {
    return this.service.stop();
  }

  get accepted(): number {
    const of = (endpoint: string) => this.service.received(endpoint).accepted.length;
    return [...this.endpoints.values()].reduce((all, endpoint) => all + of(endpoint), 0);
  }

  async subscribe(userId: string, rest: Rest): Promise<void> {
    const { endpoint, keys } = this.service.subscribe(await rest.pushKey());
    await rest.addPushDevice({ endpoint, keys });
    this.endpoints.set(userId, endpoint);
  }

  /** Has somebody mute a conversation for a while. */
  mute({ conversationId, memberIds }: Model, rests: ReadonlyMap<string, Rest>, random: Random) {
    const userId = random.any(memberIds) ?? "";
    const rest = rests.get(userId);
    if (rest) this.mutes.start(conversationId, userId, rest, random);
  }

  /** Has the service refuse the next message for somebody, one way or another. */
  refuse(random: Random): void {
    const endpoint = random.any([...this.endpoints.values()]);
    if (!endpoint) return;
    this.refused++;
    const status = random.next() < 0.5 ? 503 : 429;
    this.service.behave(endpoint, [random.next() < 0.3 ? "cut" : { status }]);
  }

  /** Waits for what is still to be pushed, and compares what was with what the clients did. */
  async check(models: readonly Model[], findings: Findings): Promise<void> {
    await this.mutes.stop();
    for (;;) {
      const missing = models.flatMap((model) => this.missing(model));
      const late = missing.filter(({ sentAt }) => Date.now() > sentAt + PUSHED_WITHIN_MS);
      for (const { what, seen } of late)
        findings.lost.add(`no push within 90 s: ${what} (${seen})`);
      if (missing.length === late.length) break;
      await sleep(250);
    }
    for (const model of models) this.checkPushes(model, findings);
  }

  /** Messages that stayed unread, or are unread now, and of which there was no push. */
  private missing(model: Model): Missing[] {
    const { times } = model;
    const found: Missing[] = [];
    for (const userId of model.memberIds) {
      const pushes = this.pushesOf(model, userId);
      for (const [messageId, { senderId, sentAt, deletesAt }] of times.messages) {
        const number = numberOf(messageId);
        const until = Math.min(deletesAt, times.mayHaveReadAt(userId, number));
        if (senderId === userId || until < sentAt + UNREAD_MS) continue;
        const end = sentAt + PUSHED_WITHIN_MS;
        if (this.mutes.mayHaveHeldWithin(model.conversationId, userId, sentAt, end)) continue;
        if (model.blocks.mayHaveHeldWithin(userId, senderId, 0, end)) continue;
        // Later ones carry it along.
        const isPushed = pushes.some((push) => push.number >= number && push.at <= end);
        if (isPushed) continue;
        const seen = this.seenOf(userId, pushes, sentAt);
        found.push({ what: `${messageId} for ${userId}`, sentAt, seen });
      }
    }
    return found;
  }

  /** What reached the service for a device around a time, in seconds from then. */
  private seenOf(userId: string, pushes: readonly Push[], from: number): string {
    const seconds = (at: number) => Math.round((at - from) / 1_000);
    const near = (at: number) => Math.abs(at - from) < 2 * PUSHED_WITHIN_MS;
    const accepted = pushes.filter(({ at }) => near(at)).map(({ at }) => seconds(at));
    const refused = this.failuresOf(userId).filter(near).map(seconds);
    return `pushes of it at ${accepted} s, refusals of the device at ${refused} s`;
  }

  private checkPushes(model: Model, findings: Findings): void {
    const { times, conversationId } = model;
    for (const userId of model.memberIds) {
      const pushes = this.pushesOf(model, userId);
      const failures = this.failuresOf(userId);
      for (const [index, { at, id, topic, messageId, number }] of pushes.entries()) {
        const what = `${userId}, ${messageId}`;
        const readAt = times.hadReadAt(userId, number);
        const deletedAt = times.messages.get(messageId)?.deletedAt ?? Infinity;
        if (at > readAt + UNDERWAY_MS) findings.different.add(`pushed though read: ${what}`);
        if (this.mutes.heldAt(conversationId, userId, at - UNDERWAY_MS)) {
          findings.different.add(`pushed though muted: ${what}`);
        }
        const senderId = times.messages.get(messageId)?.senderId ?? "";
        if (model.blocks.heldAt(userId, senderId, at - UNDERWAY_MS)) {
          findings.different.add(`pushed though its sender is blocked: ${what}`);
        }
        if (at > deletedAt + UNDERWAY_MS) findings.different.add(`pushed though deleted: ${what}`);
        if (senderId === userId) {
          findings.different.add(`pushed one's own: ${what}`);
        }
        if (topic !== conversationId.replaceAll("-", "")) findings.different.add(`topic: ${what}`);
        const before = pushes[index - 1];
        if (!before || before.id === id || at >= before.at + COLLAPSE_MS - UNDERWAY_MS) continue;
        // The one before came late where it was refused at first.
        const isDelayed = failures.some((time) => time > before.at - COLLAPSE_MS && time <= at);
        const spaced = `${at - before.at} ms after ${before.messageId}`;
        if (!isDelayed) findings.doubled.add(`pushed within 30 s: ${what}, ${spaced}`);
      }
    }
  }

  private pushesOf({ conversationId, times }: Model, userId: string): Push[] {
    const endpoint = this.endpoints.get(userId);
    if (!endpoint) return [];
    return this.service.received(endpoint).accepted.flatMap(({ at, text, headers }) => {
      const { id, body, conversationId: of } = payload.parse(JSON.parse(text));
      if (of !== conversationId) return [];
      // "name: text" in groups.
      const messageId = times.saidBy(body) ?? times.saidBy(body.slice(body.indexOf(": ") + 2));
      // Its acknowledgement may be under way.
      if (messageId === undefined) return [];
      return [{ at, id, topic: headers["topic"], messageId, number: numberOf(messageId) }];
    });
  }

  /** When a device's messages were refused. */
  private failuresOf(userId: string): number[] {
    const endpoint = this.endpoints.get(userId);
    if (!endpoint) return [];
    return this.service
      .received(endpoint)
      .requests.filter(({ status }) => status !== 201)
      .map(({ at }) => at);
  }
}

const numberOf = (messageId: string) => parseMessageId(messageId)?.number ?? 0;

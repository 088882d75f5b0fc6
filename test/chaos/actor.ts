import { setTimeout as sleep } from "node:timers/promises";
import type { Conversation } from "../../src/client/conversation.ts";
import { ParleyError } from "../../src/client/error.ts";
import type { Parley } from "../../src/client/parley.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { EMOJIS } from "../../src/domain/reaction.ts";
import type { Random } from "../random.ts";
import type { Model } from "./model.ts";
import { isRetried } from "./retried.ts";

/** The maximum of unacknowledged messages of a device. */
const IN_FLIGHT = 6;

const ACTIONS = {
  send: 62,
  rest: 4,
  edit: 9,
  delete: 4,
  react: 9,
  unreact: 3,
  read: 5,
  readOne: 4,
};

/** What a device has counted on its own connection. */
export interface Tally {
  reconnects: number;
  resends: number;
  /** Message events whose revision is not newer than that of the previous event. */
  outOfOrder: number;
  acknowledged: number;
}

/** One device of one user in one conversation, which sends random commands. */
export class Actor {
  readonly name: string;
  readonly userId: string;
  readonly conversation: Conversation;
  readonly tally: Tally = { reconnects: 0, resends: 0, outOfOrder: 0, acknowledged: 0 };
  /** Unexpected refusals. */
  readonly failures: string[] = [];
  private readonly parley: Parley;
  private readonly actions: typeof ACTIONS;
  private readonly model: Model;
  private readonly random: Random;
  private readonly inFlight = new Set<Promise<void>>();
  /** Ids of the device's own messages that can be changed. */
  private readonly own: string[] = [];
  private readonly revisions = new Map<string, number>();
  private serial = 0;
  private stopped = false;

  /** Reactions belong to a user, so only the first device reacts. */
  constructor(
    name: string,
    userId: string,
    parley: Parley,
    model: Model,
    random: Random,
    reacts: boolean,
  ) {
    this.name = name;
    this.actions = reacts ? ACTIONS : { ...ACTIONS, react: 0, unreact: 0 };
    this.userId = userId;
    this.parley = parley;
    this.model = model;
    this.random = random;
    this.conversation = parley.conversation(model.conversationId);
    this.model.sentBy.set(name, []);
    this.conversation.on("resend", () => void this.tally.resends++);
    let lives = 0;
    this.conversation.on("status", ({ state }) => {
      if (state === "live" && lives++ > 0) this.tally.reconnects++;
    });
    this.conversation.on("reset", () => this.revisions.clear());
    this.conversation.on("message", ({ message }) => {
      if ((this.revisions.get(message.id) ?? 0) >= message.rev) this.tally.outOfOrder++;
      this.revisions.set(message.id, message.rev);
      const { senderId, content } = message;
      if (senderId !== null && content !== "")
        this.model.blocks.received(userId, senderId, content);
    });
  }

  /** Sends random commands until `stop`. */
  async act(): Promise<void> {
    while (!this.stopped) {
      await sleep(this.random.between(0, 200));
      while (this.inFlight.size >= IN_FLIGHT && !this.stopped) {
        await Promise.race(this.inFlight);
      }
      this.start(this.random.weighted(this.actions));
    }
  }

  /** Starts nothing new; resolves once all pending commands have been answered. */
  async stop(): Promise<void> {
    this.stopped = true;
    while (this.inFlight.size > 0) await Promise.all(this.inFlight);
  }

  /** Sends one message more; resolves once it is acknowledged. */
  say(): Promise<void> {
    return this.send();
  }

  private start(action: keyof typeof ACTIONS): void {
    const work = this[action]();
    if (!work) return;
    const tracked = work
      .catch((error) => void this.failures.push(`${this.name} ${action}: ${error}`))
      .finally(() => this.inFlight.delete(tracked));
    this.inFlight.add(tracked);
  }

  private text(): string {
    const text = `${this.name}#${++this.serial}`;
    this.model.said.set(text, Date.now());
    return text;
  }

  private async send(): Promise<void> {
    const key = this.text();
    const mentions = this.mentions();
    this.model.sentBy.get(this.name)?.push(key);
    const message = { content: key, clientMessageId: key, mentions };
    const { messageId } = await this.conversation.send(message);
    this.acknowledged(key, messageId, mentions);
  }

  /** Over REST, repeated with the same key until it is answered. */
  private async rest(): Promise<void> {
    const key = this.text();
    const { conversationId } = this.model;
    const mentions = this.mentions();
    const message = { conversationId, content: key, clientMessageId: key, mentions };
    for (;;) {
      try {
        const { messageId } = await this.parley.rest.sendMessage(message);
        this.acknowledged(key, messageId, mentions);
        return;
      } catch (error) {
        if (!(error instanceof ParleyError) || !isRetried(error)) throw error;
        await sleep(100);
      }
    }
  }

  /** Whom a message mentions: mostly nobody. */
  private mentions(): string[] {
    if (this.random.next() > 0.15) return [];
    const mentioned = this.random.any(this.model.memberIds);
    return mentioned === undefined ? [] : [mentioned];
  }

  private acknowledged(key: string, messageId: string, mentions: readonly string[]): void {
    this.tally.acknowledged++;
    const sent = { messageId, senderId: this.userId, clientMessageId: key, content: key };
    this.model.acknowledged({ ...sent, mentions });
    this.own.push(messageId);
  }

  private edit(): Promise<void> | undefined {
    const messageId = this.random.any(this.own);
    if (!messageId) return undefined;
    const content = `${this.text()} edited`;
    this.model.said.set(content, Date.now());
    this.model.times.says(content, messageId);
    return this.conversation.edit(messageId, content).then(() => {
      const message = this.model.messages.get(messageId);
      if (message && !message.deleted) Object.assign(message, { content, edited: true });
    });
  }

  private delete(): Promise<void> | undefined {
    const messageId = this.random.any(this.own);
    if (!messageId) return undefined;
    this.own.splice(this.own.indexOf(messageId), 1);
    this.model.times.deletes(messageId);
    return this.conversation.delete(messageId).then(() => {
      const message = this.model.messages.get(messageId);
      message?.reactions.clear();
      this.model.times.hasDeleted(messageId);
      if (message) Object.assign(message, { content: "", deleted: true });
    });
  }

  private react(): Promise<void> | undefined {
    const target = this.target();
    const emoji = this.random.any(EMOJIS);
    if (!target || !emoji) return undefined;
    return this.conversation.react(target.id, emoji).then(
      () => {
        const reactions = this.model.reactionsOf(target.id);
        if (!this.model.messages.get(target.id)?.deleted) {
          reactions.add(`${emoji} ${this.userId}`);
        }
      },
      (error) => this.unlessDeleted(error),
    );
  }

  private unreact(): Promise<void> | undefined {
    const mine = [...this.model.messages.values()].flatMap(({ messageId, reactions }) =>
      [...reactions]
        .filter((one) => one.endsWith(` ${this.userId}`))
        .map((one) => ({ messageId, one })),
    );
    const chosen = this.random.any(mine);
    if (!chosen) return undefined;
    const { messageId, one } = chosen;
    return this.conversation.unreact(messageId, one.split(" ")[0] ?? "").then(
      () => void this.model.messages.get(messageId)?.reactions.delete(one),
      (error) => this.unlessDeleted(error),
    );
  }

  private read(): Promise<void> | undefined {
    const target = this.target();
    if (!target) return undefined;
    const upTo = parseMessageId(target.id)?.number ?? 0;
    this.model.times.reads(this.userId, { upTo });
    return this.conversation
      .read({ upTo: target.id })
      .then(() => this.model.read(this.userId, upTo));
  }

  private readOne(): Promise<void> | undefined {
    const target = this.target();
    if (!target) return undefined;
    this.model.times.reads(this.userId, { only: target.number });
    return this.conversation
      .read({ messageIds: [target.id] })
      .then(() => this.model.readOne(this.userId, target.number));
  }

  /** A random message of those that this device has. */
  private target() {
    const messages = this.conversation.messages.filter(
      ({ kind, hidden }) => kind !== "system" && !hidden,
    );
    const recent = messages.slice(-60);
    return this.random.any(this.random.next() < 0.8 ? recent : messages);
  }

  private unlessDeleted(error: unknown): void {
    // Chosen twice, it no longer exists the second time.
    const expected = ["message_deleted", "reaction_not_found"];
    if (!(error instanceof ParleyError) || !expected.includes(error.code)) throw error;
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../../src/client/rest.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import type { Random } from "../random.ts";
import type { Model } from "./model.ts";

/** How long an answer may take before the message is sent again with its key. */
export const PATIENCE_MS = 3_000;

/** A message in the state of a client of either protocol. */
interface Shown {
  rev: number;
  content: string;
  deleted: boolean;
  /** A placeholder of what somebody wrote whom its user blocked. */
  hidden: boolean;
}

export interface PublicClientOptions {
  name: string;
  userId: string;
  url: string;
  model: Model;
  random: Random;
  token: () => Promise<string>;
}

/**
 * A client of a public library: it sends with keys until it is answered, joins with its last
 * revision after each reconnect and removal, and applies the events.
 */
export abstract class PublicClient {
  readonly shown = new Map<string, Shown>();
  /** New messages that were received twice. */
  doubled = 0;
  /** Events whose revision is not newer than the previous one. */
  outOfOrder = 0;
  /** Events received while it is not a member. */
  receivedWhileRemoved = 0;
  acknowledged = 0;
  joins = 0;
  /** Milliseconds within which it must notice its removal, whatever happened to its connection. */
  readonly patienceMs: number = 15_000;
  /** Whether it has learned that it is not a member, since this was last reset. */
  isOut = false;
  /** Whether it was removed and has noticed it, and is not being added again yet. */
  isRemoved = false;
  readonly name: string;
  /** What happened to its connection last, to explain what it noticed late. */
  private readonly trail: { at: number; what: string }[] = [];
  protected readonly options: PublicClientOptions;
  protected rev: number | undefined;
  /** Sends no new messages, but still receives those of others. */
  private stopped = false;
  /** Is closed, and does not reconnect. */
  protected closed = false;
  /** The connection on which it is joining, until it has joined. */
  private joining: string | undefined;
  /** It was removed again while it joined. */
  private again = false;

  constructor(options: PublicClientOptions) {
    this.options = options;
    this.name = options.name;
    options.model.sentBy.set(options.name, []);
  }

  /** Sends until `stop`, one at a time. */
  async act(): Promise<void> {
    const { model, random, userId, name } = this.options;
    for (let serial = 1; !this.stopped; serial++) {
      await sleep(random.between(100, 700));
      const key = `${name}#${serial}`;
      model.said.set(key, Date.now());
      model.sentBy.get(name)?.push(key);
      const messageId = await this.untilAnswered(() => this.send(key));
      this.acknowledged++;
      model.acknowledged({
        messageId,
        senderId: userId,
        clientMessageId: key,
        content: key,
        mentions: [],
      });
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** What happened to its connection since a time, in seconds from then. */
  trailSince(from: number): string {
    const steps = this.trail.filter(({ at }) => at >= from - 5_000);
    return steps.map(({ at, what }) => `${((at - from) / 1_000).toFixed(1)} ${what}`).join(", ");
  }

  protected note(what: string): void {
    this.trail.push({ at: Date.now(), what });
    if (this.trail.length > 100) this.trail.shift();
  }

  /** The namespace and name of the object that holds its connection, if any. */
  abstract get gateway(): { of: string; id: string } | undefined;
  abstract connect(): Promise<void>;
  abstract close(): void;
  /** Resolves to the id of the message; rejects unless the message is known to be sent. */
  protected abstract send(key: string): Promise<string>;
  /** Joins, and resolves to the answer's revision. */
  protected abstract join(since: number | undefined): Promise<number>;
  protected abstract leave(): Promise<unknown>;

  protected receive(isNew: boolean, id: string, { rev, content, deleted, hidden }: Shown): void {
    const before = this.shown.get(id);
    if (this.isRemoved) this.receivedWhileRemoved++;
    if (isNew && before) this.doubled++;
    if (rev <= (this.rev ?? 0)) this.outOfOrder++;
    this.rev = Math.max(this.rev ?? 0, rev);
    if (!before || before.rev < rev) this.shown.set(id, { rev, content, deleted, hidden });
  }

  /** Joins the conversation on a connection, with retries; stops when the connection ends. */
  protected async joined(connection: string | null | undefined): Promise<void> {
    if (!connection || this.joining === connection) return;
    this.joining = connection;
    this.note("connected");
    const connected = () => this.gateway?.id === connection;
    // A join that was not answered in time may be under way: its events come before the answer to leaving.
    let mayBeIn = false;
    while (connected()) {
      try {
        if (mayBeIn) await this.leave();
        this.again = false;
        const rev = await this.join(this.rev ?? 0);
        this.rev ??= rev;
        this.joins++;
        if (!this.again) break;
        // In between it may be subscribed: pending events arrive before the answer to this.
        await this.leave();
      } catch (error) {
        if (/Only members of this conversation/.test(String(error))) this.isOut = true;
        mayBeIn = /timed out|no answer/.test(String(error));
        this.note(String(error));
        await sleep(100);
      }
    }
    if (this.joining === connection) this.joining = undefined;
  }

  /** Handles the removal of a participant. */
  protected removed(userId: string): void {
    if (userId !== this.options.userId) return;
    this.isOut = true;
    this.again = true;
    void this.joined(this.gateway?.id);
  }

  private async untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      const late = sleep(PATIENCE_MS).then(() => Promise.reject(new Error("no answer")));
      late.catch(() => undefined);
      try {
        return await Promise.race([attempt(), late]);
      } catch {
        await sleep(100);
      }
    }
  }

  /** Differences between its messages and a history. */
  differences(history: readonly Message[]) {
    const { model, userId } = this.options;
    const wrong: string[] = [];
    for (const { messageId, content, isDeleted, senderId } of history) {
      const mine = this.shown.get(messageId);
      // A placeholder stays until the application asks for the history.
      if (mine?.hidden && model.blocks.wasEver(userId, senderId ?? "")) continue;
      if (!mine || mine.content !== content || mine.deleted !== isDeleted) {
        const number = parseMessageId(messageId)?.number;
        wrong.push(`${this.name}: message ${number} is ${JSON.stringify(mine)}, not "${content}"`);
      }
    }
    if (this.shown.size > history.length) wrong.push(`${this.name}: shows what is not there`);
    return wrong;
  }
}

import type { Batch } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { mergedBatch } from "../../src/conversation/outbound/subscribers/merged-batch.ts";
import { reduce } from "../../src/gateway/room-reducer.ts";
import { LEFT, type RoomEvent, type RoomState } from "../../src/gateway/room-state.ts";
import type { Step } from "../../src/gateway/room-steps.ts";

/** Messages of a page. */
const PAGE = 2;

type Call =
  | { type: "subscribe"; id: number }
  | { type: "unsubscribe" }
  | { type: "page"; generation: number; since: number };

/**
 * A conversation, one connection to it that runs the reducer, a client, and what is on the way between
 * them. Each revision is one event. Calls reach the conversation in order; answers and batches come in any
 * order, and may be lost. Throws as soon as the client is sent something that it must not be sent.
 */
export class World {
  state: RoomState = LEFT;
  /** The conversation. */
  rev = 1;
  isMember = true;
  isSubscribed = false;
  /** The revision with which its epoch began. */
  private beganAt = 0;
  private subscription = 0;
  /** The revision of a removal whose batch was not delivered yet. */
  private undelivered: number | undefined;
  /** What the client was sent, up to this revision. */
  has: number | undefined;
  /** The newest revision of an event that it was sent: none of them may come again. */
  private sent = 0;
  private isIn = false;
  private lastJoin = 0;
  private readonly calls: Call[] = [];
  private readonly answers: RoomEvent[] = [];
  private readonly batches: { batch: Batch; subscription: number }[] = [];
  private readonly timers: number[] = [];

  /** The client joins; with where it is, if it says so and is anywhere. */
  join(saysSince: boolean): void {
    const id = ++this.lastJoin;
    this.take({ type: "join", id, since: saysSince ? this.has : undefined });
    this.calls.push({ type: "subscribe", id });
  }

  leave(): void {
    if (this.state.phase === "left") return;
    this.take({ type: "leave" });
    this.isIn = false;
    this.calls.push({ type: "unsubscribe" });
  }

  commit(): void {
    const from = this.rev++;
    if (this.isSubscribed) this.post({ from, to: this.rev });
  }

  remove(): void {
    if (!this.isMember) return;
    this.isMember = false;
    const from = this.rev++;
    if (!this.isSubscribed) return;
    this.isSubscribed = false;
    this.undelivered = this.rev;
    this.post({ from, to: this.rev, last: true });
  }

  /** A new epoch begins, with a revision above all that were given out. */
  startOver(): void {
    this.rev++;
    this.beganAt = this.rev;
    if (this.isSubscribed) this.post({ from: this.rev, to: this.rev });
  }

  add(): void {
    if (this.isMember) return;
    this.isMember = true;
    this.rev++;
  }

  /** The oldest call arrives, or is lost. */
  receiveCall(isLost: boolean): void {
    const call = this.calls.shift();
    if (!call) return;
    switch (call.type) {
      case "subscribe": {
        const { id } = call;
        if (isLost) this.answers.push({ type: "joinFailed", id });
        else if (!this.isMember) this.answers.push({ type: "joinRefused", id });
        else {
          this.isSubscribed = true;
          this.undelivered = undefined;
          this.subscription++;
          const { rev, beganAt } = this;
          this.answers.push({ type: "joined", id, rev, beganAt });
        }
        return;
      }
      case "unsubscribe":
        if (isLost) return;
        this.isSubscribed = false;
        this.undelivered = undefined;
        return;
      case "page": {
        const { generation, since } = call;
        if (!this.isMember) this.answers.push({ type: "pageRefused", generation });
        else {
          const batch = this.pageOf(since);
          this.answers.push({ type: "page", generation, batch });
        }
      }
    }
  }

  private pageOf(since: number): Batch {
    const { rev, beganAt } = this;
    if (since >= beganAt) {
      return { ...batchOf({ from: since, to: Math.min(since + PAGE, rev) }), beganAt };
    }
    return { ...batchOf({ from: rev, to: rev }), from: since, beganAt };
  }

  /** Some answer arrives; one to a join may be lost on the way. */
  receiveAnswer(pick: number, isLost: boolean): void {
    const [answer] = this.answers.splice(pick % Math.max(1, this.answers.length), 1);
    if (!answer) return;
    this.take(answer.type === "joined" && isLost ? { type: "joinFailed", id: answer.id } : answer);
  }

  /** Some batch arrives, once or twice, or is lost. */
  receiveBatch(pick: number, times: 0 | 1 | 2): void {
    const [posted] = this.batches.splice(pick % Math.max(1, this.batches.length), 1);
    for (let i = 0; posted && i < times; i++) this.deliver(posted.batch, posted.subscription);
  }

  /** Two batches that follow one another are merged, or become a gap where they are too large together. */
  merge(pick: number, isTooLarge: boolean): void {
    const at = pick % Math.max(1, this.batches.length);
    const [earlier, later] = this.batches.slice(at, at + 2);
    if (!earlier || !later) return;
    const bounds = { lines: isTooLarge ? 0 : 100, units: 1_000 };
    const batch = mergedBatch(earlier.batch, later.batch, bounds);
    if (batch) this.batches.splice(at, 2, { batch, subscription: later.subscription });
  }

  ephemeral(): void {
    if (this.state.phase === "left") return;
    const event = { type: "typing", userId: "somebody", active: true, expiresInMs: 1 } as const;
    this.take({ type: "ephemeral", event: { event, messages: ["typing"] } });
  }

  /** The client has been sent the oldest answer to a join. */
  sendAnswer(): void {
    const generation = this.timers.shift();
    if (generation !== undefined) this.take({ type: "answered", generation });
  }

  /** Everything arrives, and the conversation retries what was lost. */
  settle(): void {
    const waiting = [this.calls, this.answers, this.batches, this.timers];
    for (let round = 0; round < 1_000; round++) {
      while (waiting.some(({ length }) => length > 0)) {
        this.receiveCall(false);
        this.receiveAnswer(0, false);
        this.receiveBatch(0, 1);
        this.sendAnswer();
      }
      const before = this.state;
      const { rev, subscription } = this;
      const { beganAt } = this;
      const empty = { ...batchOf({ from: rev, to: rev }), beganAt };
      if (this.isSubscribed) this.deliver(empty, subscription);
      if (this.undelivered !== undefined) {
        this.deliver({ ...empty, last: true }, subscription);
      }
      if (before === this.state && waiting.every(({ length }) => length === 0)) return;
    }
    throw new Error("it does not come to rest");
  }

  private post(range: { from: number; to: number; last?: true }): void {
    const { beganAt, subscription } = this;
    this.batches.push({ batch: { ...batchOf(range), beganAt }, subscription });
  }

  private deliver(batch: Batch, subscription: number): void {
    if (this.state.phase === "left") {
      if (subscription === this.subscription) this.isSubscribed = false;
    } else if (batch.last) {
      this.take({ type: "removed", batch, removal: batch.to > batch.from ? batch.to : undefined });
    } else {
      this.take({ type: "batch", batch });
    }
    if (batch.last && subscription === this.subscription) this.undelivered = undefined;
  }

  private take(event: RoomEvent): void {
    const { joins } = this.state;
    const step = reduce(this.state, event);
    this.state = step.state;
    if (event.type === "joined") {
      const { answer = Infinity } = step;
      if (answer < (event.beganAt ?? 0)) throw new Error(`not reset from ${answer}`);
      const join = joins.find(({ id }) => id === event.id);
      // What it says that the client has may be of before the client was told to start over.
      const said = Math.min(join?.since ?? Infinity, this.has ?? 0);
      if (step.isReset && said >= this.beganAt) throw new Error("reset without a reason");
      this.checkAnswer(step, join?.superseded ?? true);
    }
    if (this.state.phase === "left") this.isIn = false;
    for (const effect of step.effects) {
      switch (effect.type) {
        case "send":
          this.receive(effect.batch, effect.after);
          break;
        case "sendExpelled":
          if (this.isIn && effect.rev > (this.has ?? 0)) throw new Error("told to skip events");
          this.isIn = false;
          break;
        case "sendEphemeral":
          if (this.state.phase === "joining") throw new Error("an event before the answer");
          break;
        case "requestPage":
          this.calls.push({ ...effect, type: "page" });
          break;
        case "awaitAnswered":
          this.timers.push(effect.generation);
          break;
        case "disconnect":
          // No page fails here.
          if ((this.has ?? 0) >= this.beganAt) throw new Error("disconnected without a reason");
          this.disconnect();
          return;
      }
    }
  }

  /** The connection ends, and what is on its way with it; the client keeps what it has, and may join by another. */
  private disconnect(): void {
    this.state = LEFT;
    for (const lost of [this.calls, this.answers, this.batches, this.timers]) lost.splice(0);
    this.isIn = false;
    this.isSubscribed = false;
    this.undelivered = undefined;
    this.subscription++;
  }

  private checkAnswer({ answer, isReset }: Step, superseded: boolean): void {
    if (answer === undefined || superseded) return;
    const { has = 0, sent } = this;
    if (isReset) {
      this.has = answer;
      this.isIn = true;
      return;
    }
    if (answer < sent) throw new Error(`back from ${sent} to ${answer}`);
    if (this.isIn && answer > has) throw new Error(`skipped from ${has} to ${answer}`);
    this.has = answer;
    this.isIn = true;
  }

  private receive({ from, to, beganAt = 0 }: Batch, after: number): void {
    if (after < beganAt) throw new Error(`sent from ${after} into an epoch from ${beganAt}`);
    if (after !== this.has) throw new Error(`sent after ${after} to a client that has ${this.has}`);
    if (from > after) throw new Error(`a gap from ${after} to ${from}`);
    this.has = to;
    this.sent = to;
  }
}

export function batchOf({ from, to, last }: { from: number; to: number; last?: true }): Batch {
  const lines = Array.from({ length: to - from }, (_, i) => `${from + i + 1}`);
  return { conversationId: "conversation", from, to, lines, notes: [], ...(last && { last }) };
}

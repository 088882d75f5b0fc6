import { deleteListener, listeners, putListener } from "../../tables/subscribers.ts";
import type { Lines } from "../lines.ts";
import type { Batch, GatewayStub, Listener, Note, Protocol } from "./gateway-api.ts";
import { Reach } from "./subscriber-calls.ts";

export interface ListenersOptions {
  sql: SqlStorage;
  conversationId: string;
  /** The newest revision. */
  rev: number;
  stubOf: (protocol: Protocol, gateway: string) => GatewayStub;
  /** The first gateway of somebody came, or the last one went. */
  onPresence: (userId: string) => void;
  onFailure: (error: unknown) => void;
}

/** Somebody who left in a commit, and how many of its events they still hear. */
export interface Departure {
  userId: string;
  heard: number;
}

/**
 * The gateways that listen to a conversation. They survive hibernation in a table that is read once,
 * when the object wakes, and written only when one comes or goes: messages cost no row. Nothing waits
 * for a gateway; one that says that it is gone is forgotten.
 */
export class Listeners {
  private readonly options: ListenersOptions;
  private readonly reach: Reach;
  private readonly byGateway = new Map<string, Listener>();
  /** Gateways of people who left, until they have taken their last batch: they listen no more. */
  private readonly leaving = new Map<string, { listener: Listener; last: Batch }>();
  /** The revision up to which the gateways have been told; what has no event may lie behind it. */
  private told: number;
  /** Whether they have been told anything since the object woke. */
  private spoke = false;

  constructor(options: ListenersOptions) {
    this.options = options;
    this.reach = new Reach(options.stubOf, options.onFailure);
    this.told = options.rev;
    for (const { listener, left } of listeners(options.sql)) {
      const { gateway } = listener;
      if (left) this.leaving.set(gateway, { listener, last: { ...this.nothing(), last: true } });
      else this.byGateway.set(gateway, listener);
    }
  }

  /** Whether a member is online by a gateway. */
  has(userId: string): boolean {
    return this.ofUser(userId).some(({ counted }) => counted);
  }

  /** Members who are online by gateways. */
  userIds(): string[] {
    return [...this.byGateway.values()].flatMap(({ userId, counted }) => (counted ? userId : []));
  }

  /** A person's gateways. */
  ofUser(userId: string): Listener[] {
    return [...this.byGateway.values()].filter((listener) => listener.userId === userId);
  }

  add(listener: Listener): void {
    const first = listener.counted && !this.has(listener.userId);
    putListener(this.options.sql, listener);
    this.leaving.delete(listener.gateway);
    this.byGateway.set(listener.gateway, listener);
    if (first) this.options.onPresence(listener.userId);
  }

  /** Somebody is a member now: staff who listen already are online by it from now on. */
  arrived(userId: string): void {
    for (const listener of this.ofUser(userId)) {
      if (!listener.counted) this.add({ ...listener, counted: true });
    }
  }

  remove(gateway: string): void {
    const listener = this.byGateway.get(gateway);
    if (!listener && !this.leaving.has(gateway)) return;
    deleteListener(this.options.sql, gateway);
    this.leaving.delete(gateway);
    this.reach.forget(gateway);
    if (listener) this.drop(listener);
  }

  /** Forgets those of a person's gateways that are gone without having said so. */
  async weed(userId: string): Promise<void> {
    const { conversationId } = this.options;
    await Promise.all(this.ofUser(userId).map((one) => this.call(one, "holds", conversationId)));
  }

  /** Passes on what a commit changed: to whoever left in it, up to that and for the last time. */
  committed(
    lines: Lines,
    notes: () => Note[],
    departures: readonly Departure[],
    rev: number,
  ): void {
    // What is broadcast to nobody wakes nobody: in a large conversation that is every read.
    if (lines.length === 0) return;
    const from = this.told;
    this.told = rev;
    if (this.byGateway.size === 0) return;
    this.spoke = true;
    const { conversationId } = this.options;
    const batch = { conversationId, from, to: rev, notes: notes() };
    for (const { userId, heard } of departures) {
      for (const listener of this.ofUser(userId)) {
        const heardLines = lines.for(listener).slice(0, heard);
        const last: Batch = { ...batch, lines: heardLines, last: true };
        this.leaving.set(listener.gateway, { listener, last });
        this.drop(listener);
        void this.call(listener, "deliver", last);
      }
    }
    for (const listener of this.byGateway.values()) {
      void this.call(listener, "deliver", { ...batch, lines: lines.for(listener) });
    }
  }

  /**
   * For the alarm that every commit sets: where the object was cut off between a commit and this, the
   * gateways have not heard of it, and now learn how far things are, or that their person was removed;
   * and so do those that a batch did not reach. Resolves to how long to wait until the next time, in
   * milliseconds, when some of them are still out of reach: an object can always be reached in the end,
   * and says itself that it is gone.
   */
  async remind(): Promise<number | undefined> {
    const nothing = this.nothing();
    const everyone = [
      ...[...this.byGateway.values()].map((listener) => ({ listener, batch: nothing })),
      ...[...this.leaving.values()].map(({ listener, last }) => ({ listener, batch: last })),
    ];
    const behind = this.spoke
      ? everyone.filter(({ listener }) => this.reach.isBehind(listener.gateway))
      : everyone;
    this.spoke = true;
    await Promise.all(behind.map(({ listener, batch }) => this.call(listener, "deliver", batch)));
    return this.reach.retryInMs;
  }

  /** Passes on what has no revision, to everybody's gateways but those of one person. */
  pass(line: string, exceptUserId: string): void {
    for (const listener of this.byGateway.values()) {
      if (listener.userId === exceptUserId) continue;
      void this.call(listener, "pass", this.options.conversationId, line);
    }
  }

  /**
   * Asks a gateway, and forgets one that does not listen. One that cannot be reached stays: it finds the
   * gap in the next batch, or when the alarm reminds it.
   */
  private async call<Name extends keyof GatewayStub>(
    listener: Listener,
    name: Name,
    ...parameters: Parameters<GatewayStub[Name]>
  ): Promise<void> {
    const { gateway } = listener;
    const listens = await this.reach.ask(listener, name, ...parameters);
    // It may have come back under the same name meanwhile, as another entry.
    const stays = this.byGateway.get(gateway) === listener;
    const leaves = this.leaving.get(gateway)?.listener === listener;
    if (!stays && !leaves) return;
    if (name === "deliver") this.reach.note(gateway, listens !== undefined);
    if (leaves ? name === "deliver" && listens !== undefined : listens === false) {
      this.remove(gateway);
    }
  }

  /** One listens no more: whether its person is online may hang on it. */
  private drop(listener: Listener): void {
    this.byGateway.delete(listener.gateway);
    if (listener.counted && !this.has(listener.userId)) {
      this.options.onPresence(listener.userId);
    }
  }

  /** How far things are. */
  private nothing(): Batch {
    const { conversationId } = this.options;
    return { conversationId, from: this.told, to: this.told, lines: [], notes: [] };
  }
}

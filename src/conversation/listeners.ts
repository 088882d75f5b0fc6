import type { Batch, GatewayStub, Listener, Note, Protocol } from "./gateways.ts";
import { deleteListener, listeners, putListener } from "./log/listeners.ts";

export interface ListenersOptions {
  sql: SqlStorage;
  conversationId: string;
  /** The newest revision. */
  rev: number;
  stubOf: (protocol: Protocol, gateway: string) => GatewayStub;
  /** The first gateway of somebody came, or the last one went. */
  onPresence: (userId: string, online: boolean) => void;
  onFailure: (error: unknown) => void;
}

/** Gateways that are out of reach are told again after so long at first, and longer each time. */
const REMIND_MIN_MS = 1_000;
const REMIND_MAX_MS = 60_000;

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
  private readonly byGateway = new Map<string, Listener>();
  /** One for each gateway: calls of one stub arrive in order. */
  private readonly stubs = new Map<string, GatewayStub>();
  /** The revision up to which the gateways have been told; what has no event may lie behind it. */
  private told: number;
  /** Whether they have been told anything since the object woke. */
  private spoke = false;
  /** Gateways that a batch did not reach, and how often in a row. */
  private readonly unreached = new Map<string, number>();

  constructor(options: ListenersOptions) {
    this.options = options;
    this.told = options.rev;
    for (const listener of listeners(options.sql)) this.byGateway.set(listener.gateway, listener);
  }

  /** Whether somebody listens. */
  get any(): boolean {
    return this.byGateway.size > 0;
  }

  /** An address that somebody came in by. */
  get origin(): string | undefined {
    const [listener] = this.byGateway.values();
    return listener?.origin;
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
    this.byGateway.set(listener.gateway, listener);
    if (first) this.options.onPresence(listener.userId, true);
  }

  remove(gateway: string): void {
    const listener = this.byGateway.get(gateway);
    if (!listener) return;
    deleteListener(this.options.sql, gateway);
    this.byGateway.delete(gateway);
    this.stubs.delete(gateway);
    this.unreached.delete(gateway);
    if (listener.counted && !this.has(listener.userId)) {
      this.options.onPresence(listener.userId, false);
    }
  }

  /** Forgets those of a person's gateways that are gone without having said so. */
  async weed(userId: string): Promise<void> {
    const { conversationId } = this.options;
    await Promise.all(this.ofUser(userId).map((one) => this.call(one, "holds", conversationId)));
  }

  /** Passes on what a commit changed: to whoever left in it, up to that and for the last time. */
  committed(
    lines: string[],
    notes: () => Note[],
    departures: readonly Departure[],
    rev: number,
  ): void {
    // What is broadcast to nobody wakes nobody: in a large conversation that is every read.
    if (lines.length === 0) return;
    const from = this.told;
    this.told = rev;
    if (!this.any) return;
    this.spoke = true;
    const { conversationId } = this.options;
    const batch: Batch = { conversationId, from, to: rev, lines, notes: notes() };
    for (const { userId, heard } of departures) {
      for (const listener of this.ofUser(userId)) {
        const last: Batch = { ...batch, lines: lines.slice(0, heard), last: true };
        void this.call(listener, "deliver", last);
        this.remove(listener.gateway);
      }
    }
    for (const listener of this.byGateway.values()) void this.call(listener, "deliver", batch);
  }

  /**
   * For the alarm that every commit sets: where the object was cut off between a commit and this, the
   * gateways have not heard of it, and now learn how far things are; and so do those that a batch did
   * not reach. Resolves to how long to wait until the next time, in milliseconds, when some of them are
   * still out of reach: an object can always be reached in the end, and says itself that it is gone.
   */
  async remind(): Promise<number | undefined> {
    const everyone = [...this.byGateway.values()];
    const behind = this.spoke
      ? everyone.filter(({ gateway }) => this.unreached.has(gateway))
      : everyone;
    this.spoke = true;
    const { conversationId } = this.options;
    const batch: Batch = {
      conversationId,
      from: this.told,
      to: this.told,
      lines: [],
      notes: [],
    };
    await Promise.all(behind.map((listener) => this.call(listener, "deliver", batch)));
    if (this.unreached.size === 0) return undefined;
    const times = Math.min(...this.unreached.values());
    return Math.min(REMIND_MAX_MS, REMIND_MIN_MS * 2 ** (times - 1));
  }

  /** Passes on what has no revision, to everybody's gateways but those of one person. */
  pass(line: string, exceptUserId: string): void {
    for (const listener of this.byGateway.values()) {
      if (listener.userId === exceptUserId) continue;
      void this.call(listener, "pass", this.options.conversationId, line);
    }
  }

  /**
   * Asks a gateway, and once more of a fresh stub: it may have been restarted. All of it may be asked
   * twice. One that cannot be reached stays a listener; it finds the gap in the next batch, or when the
   * alarm reminds it.
   */
  private async call<Name extends keyof GatewayStub>(
    listener: Listener,
    name: Name,
    ...parameters: Parameters<GatewayStub[Name]>
  ): Promise<void> {
    const ask = (stub: GatewayStub) =>
      (stub[name] as (...parameters: unknown[]) => Promise<boolean>)(...parameters);
    try {
      const first = this.stubOf(listener);
      const listens = await ask(first).catch(() => {
        if (this.stubs.get(listener.gateway) === first) this.stubs.delete(listener.gateway);
        return ask(this.stubOf(listener));
      });
      if (name === "deliver") this.unreached.delete(listener.gateway);
      // It may have come back under the same name meanwhile, as another entry.
      if (!listens && this.byGateway.get(listener.gateway) === listener) {
        this.remove(listener.gateway);
      }
    } catch (error) {
      if (name === "deliver") this.missedBy(listener);
      this.options.onFailure(error);
    }
  }

  /** A batch did not reach a gateway: the alarm tells it again. */
  private missedBy(listener: Listener): void {
    const { gateway } = listener;
    if (this.byGateway.get(gateway) !== listener) return;
    this.unreached.set(gateway, (this.unreached.get(gateway) ?? 0) + 1);
  }

  private stubOf({ protocol, gateway }: Listener): GatewayStub {
    let stub = this.stubs.get(gateway);
    if (!stub) {
      stub = this.options.stubOf(protocol, gateway);
      this.stubs.set(gateway, stub);
    }
    return stub;
  }
}

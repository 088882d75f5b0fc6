import type { GatewayStub, Protocol, Subscriber } from "./gateway-api.ts";

/** Gateways that are out of reach are told again after so long at first, and longer each time. */
const REMIND_MIN_MS = 1_000;
const REMIND_MAX_MS = 60_000;

/** The calls of a conversation to its gateways, and which of them a batch did not reach. */
export class SubscriberCalls {
  private readonly stubFor: (protocol: Protocol, gateway: string) => GatewayStub;
  private readonly onFailure: (error: unknown) => void;
  /** One for each gateway: calls of one stub arrive in order. */
  private readonly stubs = new Map<string, GatewayStub>();
  /** Gateways that a batch did not reach, and how often in a row. */
  private readonly unreached = new Map<string, number>();

  constructor(
    stubFor: (protocol: Protocol, gateway: string) => GatewayStub,
    onFailure: (error: unknown) => void,
  ) {
    this.stubFor = stubFor;
    this.onFailure = onFailure;
  }

  /**
   * Asks a gateway, and once more of a fresh stub: it may have been restarted. All of it may be asked
   * twice. Resolves to its answer, or to `undefined` when it cannot be reached.
   */
  async ask<Name extends keyof GatewayStub>(
    subscriber: Subscriber,
    name: Name,
    ...parameters: Parameters<GatewayStub[Name]>
  ): Promise<boolean | undefined> {
    const { gateway } = subscriber;
    const question = (stub: GatewayStub) =>
      (stub[name] as (...parameters: unknown[]) => Promise<boolean>)(...parameters);
    try {
      const first = this.stubOf(subscriber);
      return await question(first).catch(() => {
        if (this.stubs.get(gateway) === first) this.stubs.delete(gateway);
        return question(this.stubOf(subscriber));
      });
    } catch (error) {
      this.onFailure(error);
      return undefined;
    }
  }

  /** Whether a batch reached a gateway. */
  note(gateway: string, reached: boolean): void {
    if (reached) this.unreached.delete(gateway);
    else this.unreached.set(gateway, (this.unreached.get(gateway) ?? 0) + 1);
  }

  /** Whether a gateway has to be told again. */
  isBehind(gateway: string): boolean {
    return this.unreached.has(gateway);
  }

  forget(gateway: string): void {
    this.stubs.delete(gateway);
    this.unreached.delete(gateway);
  }

  /** When to try again those that are out of reach, in milliseconds from now; `undefined`: none is. */
  get retryInMs(): number | undefined {
    if (this.unreached.size === 0) return undefined;
    const times = Math.min(...this.unreached.values());
    return Math.min(REMIND_MAX_MS, REMIND_MIN_MS * 2 ** (times - 1));
  }

  private stubOf({ protocol, gateway }: Subscriber): GatewayStub {
    let stub = this.stubs.get(gateway);
    if (!stub) {
      stub = this.stubFor(protocol, gateway);
      this.stubs.set(gateway, stub);
    }
    return stub;
  }
}

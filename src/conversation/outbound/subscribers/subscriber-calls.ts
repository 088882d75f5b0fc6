import { CallTimeouts } from "../../timeout.ts";
import { backoffMs } from "../backoff.ts";
import type { Subscriber, SubscriberProtocol, SubscriberStub } from "./gateway-api.ts";

/** The calls of a conversation to its gateways, and which of them could not be reached. */
export class SubscriberCalls {
  private readonly stubFor: (protocol: SubscriberProtocol, gateway: string) => SubscriberStub;
  private readonly onFailure: (error: unknown) => void;
  private readonly timeouts = new CallTimeouts();
  /** One for each gateway: calls of one stub arrive in order. */
  private readonly stubs = new Map<string, SubscriberStub>();
  /** Gateways that missed a batch, and how many attempts of the alarm, and the first, have failed. */
  private readonly failures = new Map<string, number>();

  constructor(
    stubFor: (protocol: SubscriberProtocol, gateway: string) => SubscriberStub,
    onFailure: (error: unknown) => void,
  ) {
    this.stubFor = stubFor;
    this.onFailure = onFailure;
  }

  /**
   * Calls a gateway, and a second time by a fresh stub if that fails or is not answered in time: it may have
   * been restarted. Every method may be called twice. Resolves to its answer, or to `undefined` when it cannot be reached.
   */
  async ask<Name extends keyof SubscriberStub>(
    subscriber: Subscriber,
    name: Name,
    ...parameters: Parameters<SubscriberStub[Name]>
  ): Promise<boolean | undefined> {
    const { gateway } = subscriber;
    const question = (stub: SubscriberStub) => {
      const method = stub[name] as (...parameters: unknown[]) => Promise<boolean>;
      return this.timeouts.limit(method(...parameters));
    };
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

  delivered(gateway: string): void {
    this.failures.delete(gateway);
  }

  /** A batch did not reach a gateway. Commits while it is unreachable do not lengthen its backoff. */
  missed(gateway: string): void {
    if (!this.failures.has(gateway)) this.failures.set(gateway, 1);
  }

  /** A retry failed, too. */
  missedAgain(gateway: string): void {
    this.failures.set(gateway, (this.failures.get(gateway) ?? 0) + 1);
  }

  /** Whether a gateway missed a batch and has got none since. */
  isBehind(gateway: string): boolean {
    return this.failures.has(gateway);
  }

  remove(gateway: string): void {
    this.stubs.delete(gateway);
    this.failures.delete(gateway);
  }

  /** How long to wait before unreachable gateways are retried; `undefined`: there are none. */
  get retryInMs(): number | undefined {
    if (this.failures.size === 0) return undefined;
    return backoffMs(Math.min(...this.failures.values()));
  }

  private stubOf({ protocol, gateway }: Subscriber): SubscriberStub {
    let stub = this.stubs.get(gateway);
    if (!stub) {
      stub = this.stubFor(protocol, gateway);
      this.stubs.set(gateway, stub);
    }
    return stub;
  }
}

import { inject } from "vitest";
import type { Settings } from "../../src/env.ts";
import { someone } from "../support.ts";
import type { Arrived, Behaviour } from "./host-server.ts";

/** `whsec_` and 32 bytes that begin with a number. */
export function secretOf(number: number): string {
  return `whsec_${btoa(String.fromCharCode(number, ...new Array(31).fill(7)))}`;
}

/** A host application on loopback, which a test controls. */
export class Host {
  readonly url: string;
  readonly secrets: string[];
  private readonly control: string;

  private constructor(name: string, secrets: string[]) {
    this.url = `${inject("hosts")}/hook/${name}`;
    this.control = `${inject("hosts")}/control/${name}`;
    this.secrets = secrets;
  }

  /** `secrets`: with which it verifies what arrives. */
  static async start(secrets = [secretOf(1)]): Promise<Host> {
    const host = new Host(someone("host"), secrets);
    await host.set({ secrets });
    return host;
  }

  get settings(): Pick<Settings, "NOTIFY_URL" | "NOTIFY_SECRET"> {
    return { NOTIFY_URL: this.url, NOTIFY_SECRET: this.secrets };
  }

  /** How the next requests are answered; the last for ever. */
  async answers(...behaviours: Behaviour[]): Promise<void> {
    await this.set({ behaviours });
  }

  /** What has arrived so far. */
  async arrived(): Promise<Arrived[]> {
    return (await fetch(this.control)).json();
  }

  /** What has arrived and was accepted: the parsed bodies. */
  async accepted(): Promise<Record<string, unknown>[]> {
    return (await this.arrived())
      .filter(({ answered }) => typeof answered === "object" && answered.status < 300)
      .map(({ raw }) => JSON.parse(raw));
  }

  /** Resolves once so many requests have arrived. */
  async untilArrived(count: number): Promise<Arrived[]> {
    for (;;) {
      const arrived = await this.arrived();
      if (arrived.length >= count) return arrived;
    }
  }

  private async set(change: object): Promise<void> {
    await (await fetch(this.control, { method: "PUT", body: JSON.stringify(change) })).text();
  }
}

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, inject, vi } from "vitest";
import { type Env, type Settings, settingsOf } from "../../src/env.ts";
import { someone } from "../support.ts";
import type { Asked, Behaviour, Rule } from "./hook-server.ts";

/** `whsec_` and 32 bytes that begin with a number. */
export function secretOf(number: number): string {
  return `whsec_${btoa(String.fromCharCode(number, ...new Array(31).fill(9)))}`;
}

export const ALLOW = { action: "allow" };
export const reject = (message?: string) => ({ action: "reject", message });
export const replace = (text: string) => ({ action: "replace", text });
/** An answer with this in its body. */
export const says = (body: unknown): Behaviour => ({ status: 200, body: JSON.stringify(body) });

/** A before-send hook on loopback, which a test controls. */
export class Hook {
  readonly url: string;
  readonly secrets: string[];
  private readonly control: string;

  constructor(secrets: string[]) {
    const name = someone("hook");
    this.url = `${inject("hooks")}/hook/${name}`;
    this.control = `${inject("hooks")}/control/${name}`;
    this.secrets = secrets;
  }

  /** How questions with these texts in them are answered; the first that fits counts. All others: allowed. */
  async answers(...rules: [text: string, behaviour: Behaviour][]): Promise<void> {
    const all: Rule[] = rules.map(([text, behaviour]) => ({ text, behaviour }));
    await this.call("PUT", { secrets: this.secrets, rules: all });
  }

  /** Answers the questions that it holds and that have a text in them. */
  async release(text: string, body: unknown): Promise<void> {
    await this.call("POST", { text, body: JSON.stringify(body) });
  }

  async asked(): Promise<Asked[]> {
    return (await fetch(this.control)).json();
  }

  /** What it was asked that has a text in it, parsed. */
  async askedAbout(text: string): Promise<Record<string, unknown>[]> {
    return (await this.asked())
      .filter(({ raw }) => raw.includes(text))
      .map(({ raw }) => JSON.parse(raw));
  }

  /** Resolves once it was asked so many times about a text. */
  async untilAsked(text: string, count = 1): Promise<Record<string, unknown>[]> {
    for (;;) {
      const asked = await this.askedAbout(text);
      if (asked.length >= count) return asked;
    }
  }

  private async call(method: string, body: object): Promise<void> {
    await (await fetch(this.control, { method, body: JSON.stringify(body) })).text();
  }
}

/** The settings of this runtime, as each part of the Worker has them. */
async function settings(): Promise<Settings[]> {
  const envs = await Promise.all(
    [env.CONVERSATIONS, env.INBOXES].map((namespace) =>
      runInDurableObject(
        namespace.getByName(someone()) as DurableObjectStub,
        (object) => Reflect.get(object, "env") as Env,
      ),
    ),
  );
  return [env, ...envs].map((one) => {
    const found = settingsOf(one);
    if (found instanceof Error) throw found;
    return found;
  });
}

type Changes = Partial<
  Pick<
    Settings,
    "MODERATION_URL" | "MODERATION_TIMEOUT_MS" | "MODERATION_FAILS" | "MODERATION_SECRET"
  >
>;

/** A hook that is asked by every conversation that wakes during this test. */
export async function hooked(changes: Changes = {}, secrets = [secretOf(1)]): Promise<Hook> {
  const hook = new Hook(secrets);
  await hook.answers();
  // An answer that is not meant to be late is not, on however busy a machine.
  const patient = { MODERATION_TIMEOUT_MS: 25_000 };
  const all = { MODERATION_URL: hook.url, MODERATION_SECRET: secrets, ...patient, ...changes };
  for (const one of await settings()) Object.assign(one, all);
  return hook;
}

/** Undoes {@link hooked} after each test. */
export function undoHooked(): void {
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    for (const one of await settings()) {
      Object.assign(one, {
        ...{ MODERATION_URL: undefined, MODERATION_SECRET: undefined },
        ...{ MODERATION_TIMEOUT_MS: 1_500, MODERATION_FAILS: "open" },
      });
    }
  });
}

import { type Signal, signal } from "@preact/signals";
import type { Block, Rest } from "../../../client/rest.ts";
import { announce, complain } from "./notices.ts";

/** Whom the user has blocked, loaded when it is first needed. */
export class Blocks {
  /** `undefined`: not loaded yet. */
  readonly all: Signal<readonly Block[] | undefined> = signal(undefined);
  private readonly rest: Rest;

  constructor(rest: Rest) {
    this.rest = rest;
  }

  has(userId: string): boolean {
    return this.all.value?.some((one) => one.userId === userId) === true;
  }

  /** Loads them again: another page of the user may have changed them. */
  async load(): Promise<void> {
    try {
      this.all.value = await this.rest.blocks();
    } catch (error) {
      complain(error);
    }
  }

  async block(userId: string, name: string): Promise<void> {
    await this.change(this.rest.block(userId), `${name} is blocked`);
  }

  async unblock(userId: string, name: string): Promise<void> {
    await this.change(this.rest.unblock(userId), `${name} is not blocked any more`);
  }

  private async change(work: Promise<unknown>, said: string): Promise<void> {
    try {
      await work;
      announce(said);
    } catch (error) {
      complain(error);
    }
    await this.load();
  }
}

const ofSessions = new WeakMap<Rest, Blocks>();

/** The blocks of the user of a session. */
export function blocksOf({ rest }: { rest: Rest }): Blocks {
  const known = ofSessions.get(rest) ?? new Blocks(rest);
  ofSessions.set(rest, known);
  return known;
}

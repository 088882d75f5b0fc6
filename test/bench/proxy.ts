import { setTimeout as sleep } from "node:timers/promises";
import type { Build } from "./builds.ts";
import { call, type Subject, startParley } from "./subjects.ts";

/** The platform's counters: rows of the object and of D1, and alarms that were set. */
export interface Counts {
  rowsRead: number;
  rowsWritten: number;
  alarms: number;
  d1RowsRead: number;
  d1RowsWritten: number;
}

/** Longer than the delay of the projection to D1 after the last commit. */
const PROJECTED_AFTER_MS = 400;

/** Parley wrapped by proxy.mjs, which counts rows and has additional endpoints. */
export class CountingProxy {
  readonly subject: Subject;

  private constructor(subject: Subject) {
    this.subject = subject;
  }

  /** Starts it; `options` are those of serve.ts. */
  static async open(build: Build, ...options: string[]): Promise<CountingProxy> {
    const wrapper = "--wrapper=test/bench/proxy.mjs";
    return new CountingProxy(await startParley("parley with counters", build, wrapper, ...options));
  }

  /** Wakes an object, and keeps it from hibernating. */
  async keepAwake(conversationId: string): Promise<void> {
    await this.request("awake", conversationId);
  }

  /** Puts an object to sleep, with its sockets left open. Fails if it was not kept awake until now. */
  async putToSleep(conversationId: string): Promise<void> {
    const wasAwake = JSON.parse(await this.request("asleep", conversationId));
    if (!wasAwake) throw new Error(`${conversationId} did not stay awake`);
    await this.evict(conversationId);
  }

  /** Puts an object to sleep, with its sockets left open. */
  async evict(conversationId: string): Promise<void> {
    await this.request("evict", conversationId);
  }

  /** Runs statements in an object, which is evicted afterwards. */
  async run(conversationId: string, statements: readonly string[]): Promise<void> {
    await this.request("run", conversationId, statements);
    await this.evict(conversationId);
  }

  /** The cost of an action, including its projection to D1. */
  async counting(conversationId: string, action: () => Promise<unknown>): Promise<Counts> {
    await sleep(PROJECTED_AFTER_MS);
    await this.counts(conversationId);
    await action();
    await sleep(PROJECTED_AFTER_MS);
    return JSON.parse(await this.request("counts", conversationId, [], "&last"));
  }

  /** The cost of what an object did since this was last asked for, or since counting began. */
  async counts(conversationId: string): Promise<Counts> {
    return JSON.parse(await this.request("counts", conversationId));
  }

  /** The rows of a statement in an object. */
  async rows(conversationId: string, statement: string): Promise<unknown> {
    return JSON.parse(await this.request("run", conversationId, [statement]));
  }

  /** Calls an object, which does nothing. */
  async callOnce(conversationId: string): Promise<void> {
    await this.request("nothing", conversationId);
  }

  /** Calls many objects, so many at a time, in one request. */
  async callAll(ids: readonly string[], atOnce: number): Promise<void> {
    await this.request("calls", "", { ids, atOnce });
  }

  private request(what: string, conversationId: string, body: unknown = [], more = "") {
    return call(this.subject, "", "POST", `/bench/${what}?id=${conversationId}${more}`, body);
  }
}

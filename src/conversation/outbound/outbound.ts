import type { Commit } from "../commit/committer.ts";
import type { Alarms } from "./alarms.ts";
import type { Broadcast } from "./broadcast.ts";
import type { Consumer, PushedCommit } from "./consumer.ts";

type Outcomes = Commit["outcomes"];

export interface OutboundOptions {
  alarms: Alarms;
  /** The newest revision. */
  rev: () => number;
  /** Prepares the events of a commit. */
  prepare: (commit: Commit) => Broadcast;
  /** Answers the commands of sockets whose commit changed nothing: no consumer gets it. */
  acknowledge: (outcomes: Outcomes) => void;
  /** A consumer, or a step beside them, threw. */
  onFailure: (name: string, error: unknown) => void;
}

/**
 * Delivers commits to the consumers. In the turn of a commit: the alarm, live consumers, the answers to
 * callers, background consumers. An exception in one of these steps is logged, and the others follow.
 */
export class Outbound {
  private readonly options: OutboundOptions;
  private readonly consumers: Consumer[] = [];

  constructor(options: OutboundOptions) {
    this.options = options;
  }

  /** Registers a consumer. It may be behind; the next commit or alarm finds out. */
  add(consumer: Consumer): void {
    const { alarms, rev } = this.options;
    this.consumers.push(consumer);
    alarms.add(consumer.name, async () => {
      await consumer.catchUp();
      if (consumer.cursor < rev()) alarms.ensure([consumer.name]);
    });
  }

  /** Something was committed that is not pushed: sets the deadlines by which consumers find it. */
  check(): void {
    this.options.alarms.ensure();
  }

  committed(commit: Commit): void {
    const { from, to, outcomes } = commit;
    // An act for the audit log takes a revision, and may have no change beside it.
    const isChanged = to > from;
    const pushed = this.pushed(commit);
    if (isChanged) {
      this.attempt("alarms", () => this.check());
      this.deliver("live", pushed);
    } else {
      this.attempt("acknowledgements", () => this.options.acknowledge(outcomes));
    }
    for (const { pending, result } of outcomes) {
      if (pending.reply.to === "caller") pending.reply.resolve(result);
    }
    if (isChanged) this.deliver("background", pushed);
  }

  private deliver(stage: Consumer["stage"], commit: PushedCommit): void {
    for (const consumer of this.consumers) {
      if (consumer.stage !== stage) continue;
      this.attempt(consumer.name, () => consumer.deliver(commit));
    }
  }

  private pushed(commit: Commit): PushedCommit {
    let broadcast: Broadcast | undefined;
    return {
      ...commit,
      broadcast: () => {
        broadcast ??= this.options.prepare(commit);
        return broadcast;
      },
    };
  }

  private attempt(name: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.options.onFailure(name, error);
    }
  }
}

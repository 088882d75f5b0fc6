import type { Submitted } from "../conversation/api.ts";
import { MAX_GROUP } from "../conversation/commit/committer.ts";
import type { Command } from "../conversation/decide/types.ts";

/** A command, and whether the answer is to say who has read its message. */
export interface Submission {
  command: Command;
  readers: boolean;
}

type Entry =
  | {
      type: "command";
      submission: Submission;
      resolve: (submitted: Submitted) => void;
      reject: (error: unknown) => void;
    }
  | { type: "question"; ask: () => void };

/**
 * The calls of one connection to one conversation, in the client's order. At most one call with commands is
 * under way: commands that are submitted meanwhile wait, and are sent as the next call. Where nothing waits,
 * a command is sent at once.
 */
export class CommandQueue {
  private readonly carryOut: (submissions: Submission[]) => Promise<Submitted[]>;
  private readonly entries: Entry[] = [];
  private isCalling = false;

  /** `carryOut` makes one call, of at most {@link MAX_GROUP} commands, and resolves to an answer for each. */
  constructor(carryOut: (submissions: Submission[]) => Promise<Submitted[]>) {
    this.carryOut = carryOut;
  }

  /** Nothing waits, and no call of commands is under way. */
  get isIdle(): boolean {
    return !this.isCalling && this.entries.length === 0;
  }

  /** Has a command carried out, after everything before it. */
  submit(submission: Submission): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      this.entries.push({ type: "command", submission, resolve, reject });
      this.next();
    });
  }

  /** Makes another call, after the commands before it: calls of one stub arrive in order. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.entries.push({ type: "question", ask: () => question().then(resolve, reject) });
      this.next();
    });
  }

  private next(): void {
    for (;;) {
      this.askAll();
      if (this.isCalling || this.entries.length === 0) return;
      void this.call();
    }
  }

  /** Makes the other calls up to the next command. */
  private askAll(): void {
    for (let [entry] = this.entries; entry?.type === "question"; [entry] = this.entries) {
      this.entries.shift();
      entry.ask();
    }
  }

  /** Sends the commands up to the next other call. */
  private async call(): Promise<void> {
    const end = this.entries.findIndex(({ type }) => type === "question");
    const count = Math.min(end < 0 ? this.entries.length : end, MAX_GROUP);
    const commands = this.entries.splice(0, count).flatMap((entry) => {
      return entry.type === "command" ? [entry] : [];
    });
    this.isCalling = true;
    try {
      const submitted = await this.carryOut(commands.map(({ submission }) => submission));
      for (const [i, { resolve, reject }] of commands.entries()) {
        const one = submitted[i];
        if (one) resolve(one);
        else reject(new Error("a command without an answer"));
      }
    } catch (error) {
      for (const { reject } of commands) reject(error);
    }
    this.isCalling = false;
    this.next();
  }
}

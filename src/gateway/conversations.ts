import type { ConversationStub, Submitted } from "../conversation/api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { type ChatError, chatError } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import { ask, carryOut, carryOutAll } from "../edge/conversations.ts";
import { isTransient } from "../edge/failure.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { CommandQueue, type Submission } from "./command-queue.ts";
import { ConversationStubs } from "./conversation-stubs.ts";
import { MAX_OUTSTANDING } from "./limits.ts";

/** Conversations whose stubs are kept. */
const MAX_STUBS = 200;

/** The conversations that one connection calls: its calls to one of them arrive in order. */
export class Conversations {
  private readonly env: Env;
  private readonly actor: Actor;
  private readonly stubs: ConversationStubs;
  /** Of the conversations with calls under way. */
  private readonly queues = new Map<string, CommandQueue>();
  private outstanding = 0;

  constructor(env: Env, actor: Actor) {
    this.env = env;
    this.actor = actor;
    this.stubs = new ConversationStubs(env, MAX_STUBS);
  }

  /** Too many calls are outstanding: the client's requests are to be refused. */
  get isFull(): boolean {
    return this.outstanding >= MAX_OUTSTANDING;
  }

  /** Makes a call that may be made twice. */
  ask<T>(id: string, question: (stub: ConversationStub) => Promise<T>): Promise<T> {
    return this.queued(id, (queue) =>
      queue.ask(() => this.stubs.call(id, (stub) => ask({ env: this.env }, id, question, stub))),
    );
  }

  /** Has a conversation carry out a command. */
  submit(id: string, submission: Submission): Promise<Submitted> {
    return this.queued(id, (queue) => queue.submit(submission));
  }

  private async queued<T>(id: string, add: (queue: CommandQueue) => Promise<T>): Promise<T> {
    const queue =
      this.queues.get(id) ?? new CommandQueue((submissions) => this.call(id, submissions));
    this.queues.set(id, queue);
    this.outstanding++;
    try {
      return await add(queue);
    } finally {
      this.outstanding--;
      // A call of an earlier queue may be answered while there is a later queue.
      if (queue.isIdle && this.queues.get(id) === queue) this.queues.delete(id);
    }
  }

  private async call(id: string, submissions: Submission[]): Promise<Submitted[]> {
    const commands = submissions.map(({ command }) => command);
    const options = { wait: false, readers: submissions.some(({ readers }) => readers) };
    const { env, actor } = this;
    try {
      return await this.stubs.call(id, (stub) =>
        carryOutAll({ env }, id, actor, commands, options, stub),
      );
    } catch (error) {
      if (!lacksMethod(error, "submitAll")) throw error;
    }
    const submitted: Submitted[] = [];
    for (const command of commands) {
      const one = this.stubs.call(id, (stub) =>
        carryOut({ env }, id, actor, command, options, stub),
      );
      submitted.push(
        await one.catch((error) => {
          return { result: { ok: false, error: failedCall(error) }, listed: false, readers: [] };
        }),
      );
    }
    return submitted;
  }
}

/** The error for a client whose call to a conversation failed unexpectedly; the details are logged. */
export function failedCall(error: unknown): ChatError {
  log("call_failed", { error });
  return chatError(isTransient(error) ? "unavailable" : "internal");
}

import type { Command } from "../conversation/commands.ts";
import type { ConversationStub, SubmitOptions, Submitted } from "../conversation/stub.ts";
import { type ChatError, chatError } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { ask, carryOut, conversationOf } from "../rest/conversations.ts";
import { isTransient } from "../rest/failure.ts";

/** Conversations whose stubs are kept. */
const MAX_STUBS = 200;

/** The conversations that one connection speaks to: what it asks of one of them arrives in order. */
export class Conversations {
  private readonly env: Env;
  /** One for each: calls of one stub arrive in order. */
  private readonly stubs = new Map<string, ConversationStub>();

  constructor(env: Env) {
    this.env = env;
  }

  /** Asks something that may be asked twice. */
  ask<T>(id: string, question: (stub: ConversationStub) => Promise<T>): Promise<T> {
    const stub = this.stubOf(id);
    return this.unlessBroken(id, stub, ask({ env: this.env }, id, question, stub));
  }

  /** Has a conversation carry out a command. */
  submit(id: string, actor: Actor, command: Command, options: SubmitOptions): Promise<Submitted> {
    const stub = this.stubOf(id);
    return this.unlessBroken(
      id,
      stub,
      carryOut({ env: this.env }, id, actor, command, options, stub),
    );
  }

  /** A stub that failed once goes on failing: the next call takes a fresh one. */
  private async unlessBroken<T>(id: string, stub: ConversationStub, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (this.stubs.get(id) === stub) this.stubs.delete(id);
      throw error;
    }
  }

  private stubOf(id: string): ConversationStub {
    let stub = this.stubs.get(id);
    if (!stub) {
      if (this.stubs.size >= MAX_STUBS) this.stubs.clear();
      stub = conversationOf(this.env, id);
      this.stubs.set(id, stub);
    }
    return stub;
  }
}

/** What a client is told where a call failed of itself: the log has the rest. */
export function unforeseen(error: unknown): ChatError {
  log("call_failed", { error });
  return chatError(isTransient(error) ? "unavailable" : "internal");
}

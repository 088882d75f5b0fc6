import type { ConversationStub } from "../conversation/api.ts";
import { conversationOf } from "../conversation/stub.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import type { Env } from "../env.ts";

/** The stubs of the conversations that an object calls, one for each: calls of one stub arrive in order. */
export class ConversationStubs {
  private readonly env: Env;
  private readonly max: number;
  private readonly stubs = new Map<string, ConversationStub>();
  private readonly timeouts = new CallTimeouts();

  /** `max`: stubs that are kept. */
  constructor(env: Env, max: number) {
    this.env = env;
    this.max = max;
  }

  /** Makes a call, and rejects if it is not answered in time. */
  async call<T>(id: string, question: (stub: ConversationStub) => Promise<T>): Promise<T> {
    const stub = this.of(id);
    try {
      return await this.timeouts.limit(question(stub));
    } catch (error) {
      // A stub that failed once fails always: the next call uses a new one.
      if (this.stubs.get(id) === stub) this.stubs.delete(id);
      throw error;
    }
  }

  private of(id: string): ConversationStub {
    let stub = this.stubs.get(id);
    if (!stub) {
      if (this.stubs.size >= this.max) this.stubs.clear();
      stub = conversationOf(this.env, id);
      this.stubs.set(id, stub);
    }
    return stub;
  }
}

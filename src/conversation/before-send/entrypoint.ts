import { exports, WorkerEntrypoint } from "cloudflare:workers";
import { type Env, settingsOf } from "../../env.ts";
import { askHook } from "./hook.ts";
import type { Question } from "./question.ts";
import type { Reply } from "./verdict.ts";

/** Connections that an invocation of a Worker has at a time: more requests wait for one to end. */
const CONNECTIONS = 6;

/**
 * Asks the hook for an object. An object is one invocation: with slow answers, six senders would hold up all
 * others of their conversation. So the object calls its own Worker, whose invocations have connections of
 * their own.
 */
export class BeforeSend extends WorkerEntrypoint<Env> {
  /** At most {@link CONNECTIONS} questions; the answers are in their order. */
  ask(questions: readonly Question[]): Promise<Reply[]> {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    return Promise.all(questions.map((question) => askHook(settings, question, Date.now())));
  }
}

interface Asking {
  question: Question;
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
}

/**
 * Calls {@link BeforeSend}. Questions of one turn, which are one person's, share invocations: an event may
 * make 32, and a frame may have more messages.
 */
export class BeforeSendCalls {
  private turn: Asking[] = [];

  ask(question: Question): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.turn.push({ question, resolve, reject });
      if (this.turn.length === 1) queueMicrotask(() => this.callAll());
    });
  }

  private callAll(): void {
    const { turn } = this;
    this.turn = [];
    for (let i = 0; i < turn.length; i += CONNECTIONS) void call(turn.slice(i, i + CONNECTIONS));
  }
}

async function call(asking: readonly Asking[]): Promise<void> {
  try {
    const entrypoint: unknown = Reflect.get(exports, "BeforeSend");
    const stub = entrypoint as Pick<BeforeSend, "ask">;
    const replies = await stub.ask(asking.map(({ question }) => question));
    for (const [i, { resolve }] of asking.entries()) {
      resolve(replies[i] ?? { action: "none", reason: "no reply" });
    }
  } catch (error) {
    for (const { reject } of asking) reject(error);
  }
}

import { exports, WorkerEntrypoint } from "cloudflare:workers";
import { type Env, settingsOf } from "../../env.ts";
import { askHook } from "./hook.ts";
import type { Question } from "./question.ts";
import type { Reply } from "./verdict.ts";

/**
 * Asks the hook for an object. An invocation has six connections at a time, and an object is one invocation:
 * with slow answers, six senders would hold up all others of their conversation. So each question is an
 * invocation of its own, by a call of the Worker itself.
 */
export class BeforeSend extends WorkerEntrypoint<Env> {
  ask(question: Question): Promise<Reply> {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    return askHook(settings, question, Date.now());
  }
}

/** As {@link BeforeSend.ask}, of the Worker that this code runs in. */
export function askElsewhere(question: Question): Promise<Reply> {
  const entrypoint: unknown = Reflect.get(exports, "BeforeSend");
  return (entrypoint as Pick<BeforeSend, "ask">).ask(question);
}

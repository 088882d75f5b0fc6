import type { Subscriber } from "./outbound/subscribers/gateway-api.ts";
import type { Given } from "./start-over.ts";

/**
 * A restore, step by step; `by` is the id of the job. Each may be repeated, and rejects where it has to be.
 *
 * - `find`: the state that is to be restored. Changes nothing.
 * - `close`: nobody is served any more. Ends sockets and gateways, which connect again. Refused where a legal hold
 *   stands here, or somebody was erased since `at`: a time that was found may have been so a while ago.
 * - `rewind`: the state takes the place of the present one, and a new epoch begins. Restarts the object twice: to
 *   be called until it is answered.
 * - `return`: `rewind` for an object in which the restored state was before the conversation's creation: the state
 *   before `close` takes its place. Its `by` is another one.
 * - `reopen`: undoes `close`.
 */
export type RestoreStep = { by: string } & (
  | { step: "find"; at: number }
  | { step: "close"; at?: number }
  | { step: "rewind" | "return"; bookmark: string; given: Given; untold: readonly Subscriber[] }
  | { step: "reopen" }
);

/** What a step of a restore came to. */
export interface RestoreAnswer {
  /** Of `find`: the state to restore. */
  bookmark?: string;
  /** Of `close`: the last state before it, what was given out by then, and gateways that could not be told. */
  closed?: { undo: string; given: Given; untold: Subscriber[] };
  /** Of `rewind` and `return`: it is done. */
  epoch?: string;
}

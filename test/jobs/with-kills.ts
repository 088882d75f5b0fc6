import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { JobKind, JobOrder, JobView } from "../../src/domain/job.ts";
import type { Env } from "../../src/env.ts";
import { jobObject } from "../../src/jobs/api.ts";
import type { AnyJob, JobContext } from "../../src/jobs/kind.ts";
import { KINDS } from "../../src/jobs/kinds/kinds.ts";

/**
 * Runs jobs in their real objects, and ends those objects in the midst of their steps: before and behind every
 * call of D1, R2 and other objects that a step makes, and before its result is stored.
 */

/** An order of a kind, for its object; D1 has no row of it yet. */
export function orderOf(kind: JobKind, params: unknown, target: string | null = null): JobOrder {
  return {
    ...{ id: crypto.randomUUID(), kind, target, params },
    ...{ createdBy: "operator", createdRole: "admin", createdAt: Date.now() },
  };
}

const NEVER: Promise<never> = Promise.race([]);

export interface Ran {
  view: JobView;
  /** How often the object was ended. */
  kills: number;
}

/**
 * Runs a job to its end. With kills, the object is ended at the first point, begins anew, is ended at the second
 * point of what it then does, and so on, until it gets to its end without getting as far as the next one.
 */
export async function runJob(order: JobOrder, { kills }: { kills: boolean }): Promise<Ran> {
  const killer = new Killer();
  const restore = kills
    ? replaced(order.kind as JobKind, (kind) => killing(kind, killer))
    : undefined;
  try {
    await jobObject(env, order.id).start(order);
    for (let at = 1; ; at++) {
      killer.arm(kills ? at : Infinity);
      if (await endsBeforeKill(order.id, killer)) break;
      await kill(order.id);
    }
  } finally {
    restore?.();
  }
  const view = await jobObject(env, order.id).view();
  if (!view) throw new Error("the job is gone");
  return { view, kills: killer.kills };
}

/** Ends a job's object, with whatever it is doing. */
export async function kill(jobId: string): Promise<void> {
  const killed = runInDurableObject(env.JOBS.getByName(jobId), (_, context) =>
    context.abort("killed by the test"),
  );
  await killed.catch(() => undefined);
}

/** Fires the alarm of a job until it has ended; for at most so many alarms. */
export async function fireUntilEnd(jobId: string, alarms = 1_000): Promise<JobView> {
  for (let i = 0; i < alarms; i++) {
    const view = await jobObject(env, jobId).view();
    if (view && view.finishedAt !== null) return view;
    await runDurableObjectAlarm(env.JOBS.getByName(jobId));
  }
  throw new Error("the job does not end");
}

/** Replaces a kind by another for a while; the answer puts it back. */
export function replaced(kind: JobKind, by: (kind: AnyJob | undefined) => AnyJob): () => void {
  const before = KINDS[kind];
  KINDS[kind] = by(before);
  return () => {
    if (before) KINDS[kind] = before;
    else delete KINDS[kind];
  };
}

async function endsBeforeKill(jobId: string, killer: Killer): Promise<boolean> {
  for (;;) {
    // A stub of an object that was ended is broken: each call has its own.
    const fired = runDurableObjectAlarm(env.JOBS.getByName(jobId)).catch(() => false);
    let isOver = false;
    void fired.finally(() => {
      isOver = true;
    });
    await vi.waitFor(() => expect(isOver || killer.isDue).toBe(true), {
      timeout: 20_000,
      interval: 1,
    });
    if (killer.isDue) return false;
    const view = await jobObject(env, jobId).view();
    if (view && view.finishedAt !== null) return true;
  }
}

/** Counts the points at which a step may be ended. */
class Killer {
  isDue = false;
  kills = 0;
  private at = Infinity;
  private seen = 0;

  arm(at: number): void {
    this.isDue = false;
    this.at = at;
    this.seen = 0;
  }

  /** Whether the object ends here: nothing that it does any more counts. */
  reached(): boolean {
    if (this.isDue) return true;
    if (++this.seen < this.at) return false;
    this.isDue = true;
    this.kills++;
    return true;
  }

  /** A point between two calls; never resolves where the object ends here. */
  point(): Promise<void> {
    return this.reached() ? NEVER : Promise.resolve();
  }
}

function killing(kind: AnyJob | undefined, killer: Killer): AnyJob {
  if (!kind) throw new Error("no such kind");
  const watched = (context: JobContext): JobContext => ({
    ...context,
    env: watchedEnv(context.env, killer),
  });
  return {
    accepts: (params) => kind.accepts(params),
    begin: (params) => kind.begin(params),
    async step(context, params, state) {
      await killer.point();
      const step = await kind.step(watched(context), params, state);
      await killer.point();
      return step;
    },
    async undo(context, params, state) {
      await killer.point();
      const step = await kind.undo(watched(context), params, state);
      await killer.point();
      return step;
    },
  };
}

/** The bindings, with a point before and behind each call of D1, R2 and other objects. */
function watchedEnv(bindings: Env, killer: Killer): Env {
  const watch = (target: object): object => watchedCalls(target, killer);
  const watchNamespace = (namespace: DurableObjectNamespace): unknown =>
    new Proxy(namespace, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          const made: unknown = Reflect.apply(value, target, given);
          if (name === "jurisdiction") return watchNamespace(made as DurableObjectNamespace);
          return name === "get" || name === "getByName" ? watch(made as object) : made;
        };
      },
    });
  return {
    ...bindings,
    DB: watchedDatabase(bindings.DB, killer),
    FILES: watchedBucket(bindings.FILES, watch),
    CONVERSATIONS: watchNamespace(bindings.CONVERSATIONS) as DurableObjectNamespace,
    INBOXES: watchNamespace(bindings.INBOXES) as DurableObjectNamespace,
  };
}

function watchedCalls(target: object, killer: Killer): object {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function" || name === "then") return value;
      return async (...given: unknown[]) => {
        await killer.point();
        const answer: unknown = await Reflect.apply(value, target, given);
        await killer.point();
        return answer;
      };
    },
  });
}

/** An upload that is resumed is had without a call; its own calls are watched. */
function watchedBucket(bucket: R2Bucket, watch: (target: object) => object): R2Bucket {
  const watched = watch(bucket) as R2Bucket;
  return new Proxy(watched, {
    get(target, name) {
      if (name !== "resumeMultipartUpload") return Reflect.get(target, name);
      return (key: string, uploadId: string) => {
        const upload = bucket.resumeMultipartUpload(key, uploadId);
        return watch(upload) as R2MultipartUpload;
      };
    },
  });
}

/** Statements are made without waiting: where the object ends then, what they are asked never comes. */
function watchedDatabase(database: D1Database, killer: Killer): D1Database {
  const dead: unknown = new Proxy(
    {},
    { get: (_, name) => (name === "bind" ? () => dead : () => NEVER) },
  );
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name === "prepare") {
        return (query: string) => (killer.reached() ? dead : target.prepare(query));
      }
      return async (...given: unknown[]) => {
        await killer.point();
        const answer: unknown = await Reflect.apply(value, target, given);
        await killer.point();
        return answer;
      };
    },
  });
}

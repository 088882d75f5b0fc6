import { backoffMs } from "../conversation/outbound/backoff.ts";
import { directoryOf } from "../directory/directory.ts";
import { finishReportedJob, reportJob } from "../directory/jobs.ts";
import { isFinal, type JobOrder } from "../domain/job.ts";
import { type Env, settingsOf } from "../env.ts";
import { log } from "../logging.ts";
import { jobEnded } from "../metrics.ts";
import type { AnyJob, JobContext } from "./kind.ts";
import { KINDS } from "./kinds/kinds.ts";
import { isStanding, nextOf, type Progress, stepped, threw, undone } from "./progress.ts";
import type { JobTable, StoredJob } from "./table.ts";
import { viewOf } from "./view.ts";

/** Steps of one alarm: no more are begun after this time, in milliseconds, nor after so many. */
const BUDGET_MS = 5_000;
const MAX_STEPS = 20;
/**
 * Should the object end within an alarm, it goes on after this time: the alarm that was set replaces the one that
 * the platform would repeat. Longer than an alarm usually takes.
 */
const GOES_ON_AFTER_MS = 20_000;
/** How long a job waits that has come no further: for D1 to follow, or for time to pass. */
const STANDING_MS = 500;
/** How long a job waits whose kind this version does not know: an older one, after a rollback. */
const UNKNOWN_KIND_MS = 10 * 60_000;
/** D1 is told of progress at most this often; of what was begun or has ended, at once. */
const REPORTED_EVERY_MS = 3_000;
/** How long the object knows of a job that has ended. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Carries out a job: a few steps with each alarm. What a step comes to is stored before the next one begins, and
 * while the job is unfinished an alarm is always stored, so that it goes on whenever the object ends.
 */
export class Runner {
  private readonly storage: DurableObjectStorage;
  private readonly table: JobTable;
  private readonly env: Env;
  private readonly clock: () => number;
  private isRunning = false;
  private lastReportAt = -Infinity;
  private reportFailures = 0;

  constructor(storage: DurableObjectStorage, table: JobTable, env: Env, clock: () => number) {
    this.storage = storage;
    this.table = table;
    this.env = env;
    this.clock = clock;
  }

  /** Goes on at once, unless it is running. */
  wake(): void {
    void this.storage.setAlarm(this.clock());
  }

  /** The alarm fires. Never throws. */
  async run(): Promise<void> {
    if (this.isRunning) {
      await this.storage.setAlarm(this.clock() + GOES_ON_AFTER_MS);
      return;
    }
    this.isRunning = true;
    try {
      await this.storage.setAlarm(this.clock() + GOES_ON_AFTER_MS);
      const next = await this.runSome();
      if (next !== undefined) await this.storage.setAlarm(next);
    } catch (error) {
      // The alarm that was set above stays.
      log("job_runner_failed", { error });
    } finally {
      this.isRunning = false;
    }
  }

  /** Resolves to when to go on; `undefined`: there is nothing any more. */
  private async runSome(): Promise<number | undefined> {
    const until = this.clock() + BUDGET_MS;
    for (let steps = 0; ; steps++) {
      const job = this.table.read();
      if (!job) return undefined;
      if (isFinal(job.progress.state)) return this.end(job);
      const kind = kindOf(job.order);
      if (!kind) {
        log("job_kind_unknown", { jobId: job.order.id, kind: job.order.kind });
        return this.clock() + UNKNOWN_KIND_MS;
      }
      if (steps >= MAX_STEPS || this.clock() >= until) {
        await this.report(job);
        return this.clock();
      }
      const retryAt = await this.advance(job, kind);
      if (retryAt !== undefined) return retryAt;
      if (this.clock() - this.lastReportAt >= REPORTED_EVERY_MS) await this.reportNow();
    }
  }

  /** Carries out the next step, or undoes. Resolves to when to go on, where that threw or came no further. */
  private async advance({ order, progress }: StoredJob, kind: AnyJob): Promise<number | undefined> {
    const context = this.contextOf(order);
    const next = nextOf(progress);
    let change: (before: Progress) => Progress;
    try {
      const state = progress.step ? progress.step.state : kind.begin(order.params);
      if (next === "undo") {
        const step = await kind.undo(context, order.params, state);
        change = (before) => undone(before, step, this.clock());
      } else {
        const step = await kind.step(context, order.params, state);
        change = (before) => stepped(before, step, this.clock());
      }
    } catch (error) {
      const present = this.table.read();
      if (!present) return undefined;
      // It was cancelled meanwhile: what threw is not tried again.
      if (nextOf(present.progress) !== next) return undefined;
      const { progress: after, retryAt } = threw(present.progress, this.clock());
      const { id, kind: name } = order;
      log("job_step_failed", { jobId: id, kind: name, failures: after.failures, error });
      this.table.setProgress(after);
      return retryAt;
    }
    const present = this.table.read();
    if (!present) return undefined;
    const after = change(present.progress);
    this.table.setProgress(after);
    if (isFinal(after.state)) {
      const { id, kind: name } = order;
      jobEnded(this.env.METRICS, name, after.state, this.clock() - order.createdAt);
      log("job_ended", { jobId: id, kind: name, state: after.state, error: after.error });
    }
    return isStanding(present.progress, after) ? this.clock() + STANDING_MS : undefined;
  }

  /** What a job that has ended has yet to do: D1 has its final state, then it is forgotten. */
  private async end(job: StoredJob): Promise<number | undefined> {
    const { progress } = job;
    if (job.reported < progress.changedAt) {
      if (!(await this.report(job))) return this.clock() + backoffMs(this.reportFailures);
      this.table.setReported(progress.changedAt);
    }
    if (!job.isTrimmed) this.table.trim(job);
    const forgottenAt = (progress.finishedAt ?? this.clock()) + KEPT_MS;
    if (this.clock() < forgottenAt) return forgottenAt;
    await this.storage.deleteAlarm();
    await this.storage.deleteAll();
    return undefined;
  }

  /** Tells D1 how far the job is. */
  async reportNow(): Promise<void> {
    const job = this.table.read();
    if (job) await this.report(job);
  }

  private async report(job: StoredJob): Promise<boolean> {
    const directory = directoryOf(this.env.DB);
    this.lastReportAt = this.clock();
    try {
      if (job.isTrimmed) await finishReportedJob(directory, viewOf(job));
      else await reportJob(directory, viewOf(job), job.order);
      this.reportFailures = 0;
      return true;
    } catch (error) {
      this.reportFailures++;
      log("job_report_failed", { jobId: job.order.id, failures: this.reportFailures, error });
      return false;
    }
  }

  private contextOf({ id, createdBy, createdRole, createdAt }: JobOrder): JobContext {
    const settings = settingsOf(this.env);
    if (settings instanceof Error) throw settings;
    return {
      ...{ jobId: id, env: this.env, settings },
      startedBy: { userId: createdBy, role: createdRole },
      ...{ startedAt: createdAt, clock: this.clock, sql: this.storage.sql },
    };
  }
}

/** What carries out a job; `undefined`: this version knows neither the kind nor its params. */
function kindOf({ kind, params }: JobOrder): AnyJob | undefined {
  const known = Object.entries(KINDS).find(([name]) => name === kind)?.[1];
  return known?.accepts(params) ? known : undefined;
}

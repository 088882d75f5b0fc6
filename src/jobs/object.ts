import { DurableObject } from "cloudflare:workers";
import { fail, ok, type Result } from "../domain/error.ts";
import { isFinal, type JobOrder, type JobView } from "../domain/job.ts";
import type { Env } from "../env.ts";
import type { JobStub } from "./api.ts";
import { cancelled, started } from "./progress.ts";
import { Runner } from "./runner.ts";
import { JobTable } from "./table.ts";
import { viewOf } from "./view.ts";

/** The methods of {@link JobStub}; what needs no waiting is answered at once. */
type Rpc = {
  [Name in keyof JobStub]: (
    ...parameters: Parameters<JobStub[Name]>
  ) => ReturnType<JobStub[Name]> | Awaited<ReturnType<JobStub[Name]>>;
};

/** The object of one job: its RPC methods, which `api.ts` documents, and its alarm. It holds no rules. */
export class Job extends DurableObject<Env> implements Rpc {
  private readonly table: JobTable;
  private readonly runner: Runner;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.table = new JobTable(ctx.storage);
    this.runner = new Runner(ctx.storage, this.table, env, () => Date.now());
  }

  start(order: JobOrder): JobView {
    const known = this.table.read();
    const progress = known?.progress ?? started(order.createdAt);
    if (known) this.table.setReported(0);
    else this.table.create(order, progress);
    this.runner.wake();
    return viewOf({ order, progress });
  }

  view(): JobView | undefined {
    const job = this.table.read();
    return job && viewOf(job);
  }

  async cancel(): Promise<Result<JobView> | undefined> {
    const job = this.table.read();
    if (!job) return undefined;
    if (isFinal(job.progress.state)) return fail("job_finished");
    const progress = cancelled(job.progress, Date.now());
    this.table.setProgress(progress);
    this.runner.wake();
    await this.runner.reportNow();
    return ok(viewOf({ ...job, progress }));
  }

  override async alarm(): Promise<void> {
    await this.runner.run();
  }
}

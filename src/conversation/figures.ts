import { commandRefused, conversationPoint, type Metrics } from "../metrics.ts";
import type { Commit } from "./commit/committer.ts";

export interface FiguresOptions {
  metrics: NonNullable<Metrics>;
  kind: string;
  clock: () => number;
  /** Resolves once what was committed before is confirmed by storage. */
  confirmed: () => Promise<void>;
  /** Native sockets that are open. */
  sockets: () => number;
}

/**
 * Counts what a conversation does, and writes one data point of it with the alarm that follows commits anyway:
 * at most one in eight seconds, and none while nothing happens. What is counted is lost if the object ends before.
 */
export class Figures {
  readonly name = "metrics";
  private readonly options: FiguresOptions;
  private counted = NOTHING;
  /** The first commit of the period is the one that is measured. */
  private commitMs: number | undefined;
  private lagMs: number | undefined;
  /** When the oldest change was committed that D1 may not have. */
  private behindSince: number | undefined;

  constructor(options: FiguresOptions) {
    this.options = options;
  }

  /** Takes a commit, in its turn. */
  committed({ from, to, outcomes }: Commit): void {
    const { clock, confirmed, metrics } = this.options;
    const { sends, commands, refused, commits } = this.counted;
    let [sent, failed] = [0, 0];
    for (const { pending, result } of outcomes) {
      if (!result.ok) {
        failed++;
        commandRefused(metrics, result.error.code);
      } else if (pending.command.type === "send") sent++;
    }
    if (to > from) {
      const at = clock();
      this.behindSince ??= at;
      if (commits === 0) {
        confirmed().then(
          () => {
            this.commitMs = clock() - at;
          },
          // The object ends with a storage that does not confirm.
          () => undefined,
        );
      }
    }
    this.counted = {
      sends: sends + sent,
      commands: commands + outcomes.length,
      refused: refused + failed,
      commits: commits + (to > from ? 1 : 0),
    };
  }

  /** D1 has everything that was committed. */
  projected(): void {
    if (this.behindSince === undefined) return;
    this.noteLag(this.behindSince);
    this.behindSince = undefined;
  }

  /** Writes what was counted since the last time, if anything was. */
  flush(): void {
    const { metrics, kind, sockets } = this.options;
    if (this.behindSince !== undefined) this.noteLag(this.behindSince);
    const { counted, commitMs, lagMs } = this;
    if (counted.commands === 0 && lagMs === undefined) return;
    conversationPoint(metrics, { kind, ...counted, commitMs, lagMs, sockets: sockets() });
    this.counted = NOTHING;
    this.commitMs = undefined;
    this.lagMs = undefined;
  }

  private noteLag(since: number): void {
    this.lagMs = Math.max(this.lagMs ?? 0, this.options.clock() - since);
  }
}

const NOTHING = { sends: 0, commands: 0, refused: 0, commits: 0 };

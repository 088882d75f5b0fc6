import { backoffMs } from "./backoff.ts";

/**
 * How long after a commit its consumers are checked: a crash in between is what that is for. Commits
 * until then have the same alarm, which is a row. Less than the ten idle seconds after which an object
 * hibernates: an alarm that fires later finds an object without memory, and everything is delivered again.
 */
export const CHECK_AFTER_MS = 8_000;
/** The handler of the alarm waits at most so long for what it started. */
const MAX_WAIT_MS = 30_000;

export interface AlarmsOptions {
  /** Sets the alarm of the object, which has one; in milliseconds since the epoch. */
  setAlarm: (time: number) => void;
  clock: () => number;
  /** The alarm of an earlier instance of the object fired: what it had yet to do is not known. */
  onInterrupted: () => void;
  /** A task failed; it is retried. */
  onFailure: (name: string, error: unknown) => void;
}

interface Task {
  run: () => Promise<void>;
  /** When it is to be run, in milliseconds since the epoch; `undefined`: it has no deadline. */
  deadline: number | undefined;
  running: Promise<void> | undefined;
  /** How often it failed in a row. */
  failures: number;
}

/**
 * Runs named tasks, each at its own deadline, by the one alarm that an object has: it is set to the
 * earliest of them. A task that fails is retried with its own backoff, and none waits for another:
 * the alarm fires again while a slow task is still running.
 *
 * Only the alarm is stored. Deadlines are kept in memory, so that several of them cost no more rows than
 * one. They survive a crash nevertheless: an alarm was stored for the earliest of them, and when it fires
 * in an object that has set none since it woke, every task is due. Where something else woke the object
 * and a deadline is set before that alarm fires, which may replace it, every other task gets a deadline
 * as after a commit. Running a task that has nothing to do does nothing.
 */
export class Alarms {
  private readonly options: AlarmsOptions;
  private readonly tasks = new Map<string, Task>();
  /** What the alarm is set to, as far as this instance of the object knows. */
  private alarmAt: number | undefined;
  /** Neither has an alarm fired since the object woke, nor was one set. */
  private isFresh = true;
  private onNewDeadline: (() => void) | undefined;

  constructor(options: AlarmsOptions) {
    this.options = options;
  }

  /** Adds a task, which has no deadline yet. */
  add(name: string, run: () => Promise<void>): void {
    this.tasks.set(name, { run, deadline: undefined, running: undefined, failures: 0 });
  }

  /**
   * Gives tasks that have no deadline one, {@link CHECK_AFTER_MS} from now or with the alarm that is set
   * before that. All of them, unless names are given. A task that is being retried keeps its deadline.
   */
  ensure(names: Iterable<string> = this.tasks.keys()): void {
    const deadline = Math.min(this.options.clock() + CHECK_AFTER_MS, this.alarmAt ?? Infinity);
    for (const name of names) {
      const task = this.task(name);
      task.deadline ??= deadline;
    }
    this.setAlarm();
  }

  /** Sets the deadline of a task, earlier or later than it was. */
  set(name: string, time: number): void {
    this.task(name).deadline = time;
    this.setAlarm();
  }

  /** Has a task run at a time at the latest. */
  noLaterThan(name: string, time: number): void {
    const { deadline } = this.task(name);
    const unknown = this.isFresh ? this.options.clock() + CHECK_AFTER_MS : Infinity;
    const earliest = Math.min(time, deadline ?? unknown);
    if (earliest !== deadline) this.set(name, earliest);
  }

  /**
   * The alarm fired: runs what is due. Resolves once that is done or the next deadline has come, because
   * the platform fires no alarm while the handler of the last one runs. Never rejects: the platform gives
   * up on an alarm after six failures.
   */
  async fired(): Promise<void> {
    const now = Math.max(this.options.clock(), this.alarmAt ?? 0);
    const due = [...this.tasks].filter(
      ([, { deadline }]) => this.isFresh || (deadline !== undefined && deadline <= now),
    );
    if (this.isFresh) this.options.onInterrupted();
    this.alarmAt = undefined;
    this.isFresh = false;
    await this.wait(Promise.all(due.map(([name, task]) => this.run(name, task))));
    const unfinished = due.filter(([, { running }]) => running);
    this.ensure(unfinished.map(([name]) => name));
  }

  private run(name: string, task: Task): Promise<void> {
    task.deadline = undefined;
    task.running ??= Promise.resolve()
      .then(task.run)
      .then(
        () => {
          task.failures = 0;
        },
        (error: unknown) => {
          task.failures++;
          this.options.onFailure(name, error);
          this.set(name, this.options.clock() + backoffMs(task.failures));
        },
      )
      .finally(() => {
        task.running = undefined;
      });
    return task.running;
  }

  private async wait(runs: Promise<unknown>): Promise<void> {
    const { clock } = this.options;
    const end = clock() + MAX_WAIT_MS;
    let isDone = false;
    void runs.then(() => {
      isDone = true;
    });
    for (;;) {
      const milliseconds = Math.min(end, this.earliest()) - clock();
      if (isDone || milliseconds <= 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, milliseconds);
      this.onNewDeadline = resolve;
      await Promise.race([runs, promise]);
      clearTimeout(timer);
    }
  }

  /** Sets the alarm to the earliest deadline, unless it is set to that. */
  private setAlarm(): void {
    if (this.earliest() === Infinity) return;
    if (this.isFresh) {
      this.isFresh = false;
      this.ensure();
    }
    const earliest = this.earliest();
    if (earliest === this.alarmAt) return;
    this.alarmAt = earliest;
    this.options.setAlarm(earliest);
    this.onNewDeadline?.();
  }

  private earliest(): number {
    return Math.min(...Array.from(this.tasks.values(), ({ deadline }) => deadline ?? Infinity));
  }

  private task(name: string): Task {
    const task = this.tasks.get(name);
    if (!task) throw new Error(`no task is called ${name}`);
    return task;
  }
}

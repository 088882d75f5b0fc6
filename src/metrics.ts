/**
 * Data points of Workers Analytics Engine, behind the binding `METRICS`, which may be absent. No ids and no texts
 * are in them. `index1` is the name of a point; docs/operations.md has the columns, in the order of the lists here.
 * Writing one is a call that neither waits nor throws.
 */

/** Points of one name that an isolate writes one by one in a window; beyond them they are added up. */
const MAX_POINTS = 20;
const WINDOW_MS = 10_000;
/** Sums of one name that wait for the next window; what differs from all of them is left out. */
const MAX_SUMS = 200;

export type Metrics = Pick<AnalyticsEngineDataset, "writeDataPoint"> | undefined;

/** What the connections of users are. */
export type Transport = "native" | "inbox" | "socketio" | "signalr";

/** What a conversation did since its last point: at least since its last alarm, which is some eight seconds. */
export interface ConversationFigures {
  /** The kind of the conversation. */
  kind: string;
  sends: number;
  commands: number;
  refused: number;
  /** Groups that were committed. */
  commits: number;
  /** How long the first of them took until storage had confirmed it; `undefined`: not known. */
  commitMs: number | undefined;
  /** The longest that a change waited for D1, or has waited so far. */
  lagMs: number | undefined;
  /** Native sockets that are open now. */
  sockets: number;
}

/** Stands for what was not measured. */
const UNKNOWN = -1;

export function conversationPoint(metrics: Metrics, figures: ConversationFigures): void {
  const { kind, sends, commands, refused, commits, commitMs, lagMs, sockets } = figures;
  write(metrics, "conversation", {
    blobs: [kind],
    doubles: [
      ...[sends, commands, refused, commits],
      ...[commitMs ?? UNKNOWN, lagMs ?? UNKNOWN, sockets],
    ],
  });
}

/** A connection of a user was opened. */
export function socketOpened(metrics: Metrics, transport: Transport): void {
  add(metrics, "socket", [transport, "opened"]);
}

/** One has ended, which was open for so long; `undefined`: not known. */
export function socketClosed(metrics: Metrics, transport: Transport, ms?: number): void {
  add(metrics, "socket", [transport, "closed"], ms);
}

/** A request was refused, or could not be answered. */
export function requestRefused(metrics: Metrics, code: string): void {
  add(metrics, "refusal", [code, "request"]);
}

/** A conversation refused a command, of whatever transport. */
export function commandRefused(metrics: Metrics, code: string): void {
  add(metrics, "refusal", [code, "command"]);
}

/** An attempt to notify: `outcome` as it is logged. */
export function notified(
  metrics: Metrics,
  receiver: "push" | "webhook",
  outcome: string,
  ms: number,
): void {
  add(metrics, "notification", [receiver, outcome], ms);
}

/** A job has ended. */
export function jobEnded(metrics: Metrics, kind: string, state: string, ms: number): void {
  add(metrics, "job", [kind, state], ms);
}

interface Sum {
  blobs: readonly string[];
  count: number;
  ms: number;
}

/** What an isolate writes of one name. */
class Window {
  private since = 0;
  private written = 0;
  private readonly waiting = new Map<string, Sum>();

  /** Adds one, and writes what may be written now. */
  add(metrics: Metrics, name: string, blobs: readonly string[], ms: number, now: number): void {
    if (now - this.since >= WINDOW_MS || now < this.since) {
      this.since = now;
      this.written = 0;
      this.flush(metrics, name);
    }
    const key = blobs.join("\n");
    const sum = this.waiting.get(key);
    if (!sum && this.waiting.size >= MAX_SUMS) return;
    this.waiting.set(key, { blobs, count: (sum?.count ?? 0) + 1, ms: (sum?.ms ?? 0) + ms });
    this.flush(metrics, name);
  }

  private flush(metrics: Metrics, name: string): void {
    for (const [key, { blobs, count, ms }] of this.waiting) {
      if (this.written >= MAX_POINTS) return;
      this.waiting.delete(key);
      this.written++;
      write(metrics, name, { blobs: [...blobs], doubles: [count, ms] });
    }
  }
}

const windows = new Map<string, Window>();

function add(metrics: Metrics, name: string, blobs: readonly string[], ms = 0): void {
  if (!metrics) return;
  let window = windows.get(name);
  if (!window) {
    window = new Window();
    windows.set(name, window);
  }
  window.add(metrics, name, blobs, ms, Date.now());
}

function write(metrics: Metrics, name: string, point: AnalyticsEngineDataPoint): void {
  try {
    metrics?.writeDataPoint({ ...point, indexes: [name] });
  } catch {
    // Nothing is to fail because of a figure: the point is lost.
  }
}

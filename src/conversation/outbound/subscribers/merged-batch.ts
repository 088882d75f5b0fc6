import { MAX_SYNC_BYTES } from "../../../live/version.ts";
import type { Batch } from "./gateway-api.ts";

/** Lines, and UTF-16 units of them, that a merged batch may hold. */
export const MAX_MERGED = { lines: 500, units: MAX_SYNC_BYTES };

/**
 * Two batches of a conversation as one, or `undefined` where they must stay apart: the second does not
 * continue the first, or one is the last of a subscription. Beyond the bounds the events are left out: the
 * range shows the gateway a gap, which it fills by `eventsSince`.
 */
export function mergedBatch(earlier: Batch, later: Batch, bounds = MAX_MERGED): Batch | undefined {
  if (later.from !== earlier.to || earlier.last || later.last) return undefined;
  const { conversationId, from, ...rest } = earlier;
  const { to } = later;
  const epoch = rest.beganAt === undefined ? {} : { beganAt: rest.beganAt };
  const lines = [...earlier.lines, ...later.lines];
  if (lines.length > bounds.lines || unitsOf(lines) > bounds.units) {
    return { conversationId, from: to, to, lines: [], notes: [], ...epoch };
  }
  return { conversationId, from, to, lines, notes: [...earlier.notes, ...later.notes], ...epoch };
}

function unitsOf(lines: readonly string[]): number {
  return lines.reduce((units, line) => units + line.length, 0);
}

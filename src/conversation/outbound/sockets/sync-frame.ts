import { Buffer } from "node:buffer";
import type { FrameId } from "../../../live/frames.ts";

/** Builds `sync` objects from rows that are JSON already, within a number of bytes. */

/** One `sync` object, as text. */
export interface Page {
  frame: string;
  /** The revision that it goes up to. */
  to: number;
  more: boolean;
}

/** Rows as JSON, as many from the beginning as fit into `bytes`, and `least` of them in any case. */
export function jsonOf<Row>(
  rows: readonly Row[],
  write: (row: Row) => string,
  bytes: number,
  least = 0,
): string[] {
  const json: string[] = [];
  let left = bytes;
  for (const row of rows) {
    const text = write(row);
    left -= Buffer.byteLength(text) + 1;
    if (left < 0 && json.length >= least) break;
    json.push(text);
  }
  return json;
}

/** Bytes of such rows, separators included. */
export function bytesOf(json: readonly string[]): number {
  return json.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
}

/** A `sync` object of rows that are JSON already. */
export function frameOf(sync: {
  from?: number;
  to?: number;
  messages: readonly string[];
  members: readonly string[];
  reads: readonly string[];
  conversation: string;
  more: boolean;
  reset?: true;
  unread?: number;
  lifted?: readonly object[];
  id: FrameId;
}): string {
  const {
    from,
    to,
    messages,
    members,
    reads,
    conversation,
    more,
    reset,
    unread,
    lifted = [],
    id,
  } = sync;
  const place = from === undefined ? "" : `"from":${from},"to":${to},`;
  return (
    `{"type":"sync",${place}"messages":[${messages.join()}],"members":[${members.join()}],` +
    `"reads":[${reads.join()}],"conversation":${conversation},"more":${more}` +
    `${reset ? ',"reset":true' : ""}${unread === undefined ? "" : `,"unread":${unread}`}` +
    `${lifted.length === 0 ? "" : `,"lifted":${JSON.stringify(lifted)}`}` +
    `${id === undefined ? "" : `,"id":${JSON.stringify(id)}`}}`
  );
}

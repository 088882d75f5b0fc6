import type { FrameId } from "../live/frames.ts";

/** What is sent of a conversation that is open over an inbox socket. */

/** An event as its conversation wrote it, with the conversation's id; `id`: of the `open` it answers. */
export function wrapped(conversationId: string, event: string, id?: FrameId): string {
  const name = JSON.stringify(conversationId);
  const answers = id === undefined ? "" : `,"id":${JSON.stringify(id)}`;
  return `{"type":"conversation","conversationId":${name}${answers},"event":${event}}`;
}

export function closedLine(
  conversationId: string,
  code: number,
  reason: string,
  id: FrameId,
): string {
  return JSON.stringify({ type: "closed", conversationId, id, code, reason });
}

/** Frames of events. What a commit changed is wrapped once for all sockets of an inbox. */
export class WrappedFrames {
  private last: { lines: readonly string[]; frame: string } | undefined;

  of(conversationId: string, lines: readonly string[]): string {
    if (this.last?.lines !== lines) {
      const frame = lines.map((line) => wrapped(conversationId, line)).join("\n");
      this.last = { lines, frame };
    }
    return this.last.frame;
  }
}

import type { Result } from "../../../domain/error.ts";
import { messageIdOf } from "../../../domain/id.ts";
import type { ServerEvent } from "../../../live/events.ts";
import type { FrameId } from "../../../live/frames.ts";
import { errorEventOf } from "../../../live/wire.ts";
import type { Answer } from "../../decide/types.ts";

/** The answer to a command that came in a frame. */
export function ackOf(conversationId: string, result: Result<Answer>, id: FrameId): ServerEvent {
  if (!result.ok) return errorEventOf(result.error, id);
  const { rev, message, deduplicated, rate } = result.value;
  // JSON leaves out what is undefined.
  return {
    type: "ack",
    id,
    rev,
    messageId: message && messageIdOf(conversationId, message.number),
    deduplicated,
    remaining: rate?.remaining,
  };
}

import type { PendingMessage } from "../../../client/message.ts";
import { hasNetwork } from "../model/network.ts";
import type { Room } from "../model/room.ts";
import type { Failed } from "../model/unsent.ts";
import { Text } from "./text.tsx";

/** A message that is being sent. */
export function PendingView({ message }: { message: PendingMessage }) {
  return (
    <li class="message mine is-last is-pending">
      <div class="line">
        <div class="bubble">
          <Body message={message} />
        </div>
      </div>
      <p class="meta">{hasNetwork.value ? "Sending…" : "Waiting for the network"}</p>
    </li>
  );
}

/** A message that the server refused. */
export function FailedView({ room, failed }: { room: Room; failed: Failed }) {
  return (
    <li class="message mine is-last is-failed">
      <div class="line">
        <div class="bubble">
          <Body message={failed.message} />
        </div>
      </div>
      <p class="meta" role="alert">
        <span>Not sent: {failed.reason}</span>
        <button type="button" class="link" onClick={() => room.retry(failed)}>
          Try again
        </button>
        <button type="button" class="link" onClick={() => room.discard(failed)}>
          Discard
        </button>
      </p>
    </li>
  );
}

function Body({ message }: { message: Pick<PendingMessage, "content" | "attachments"> }) {
  const files = message.attachments?.length ?? 0;
  return (
    <>
      {files > 0 && <p class="faint">{files === 1 ? "📎 One file" : `📎 ${files} files`}</p>}
      {message.content && <Text text={message.content} />}
    </>
  );
}

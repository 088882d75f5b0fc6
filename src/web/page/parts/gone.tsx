import type { Room } from "../model/room.ts";
import { close } from "../model/route.ts";
import { Text } from "./text.tsx";

/** Shown instead of a conversation that the server has closed. */
export function Gone({ room, code }: { room: Room; code: number | undefined }) {
  const text =
    code === 4403 ? "You are not in this conversation." : "This conversation cannot be shown.";
  return (
    <main class="nothing-open">
      <h2>{text}</h2>
      <Unsent room={room} />
      <button type="button" class="primary" onClick={close}>
        Back to the list
      </button>
    </main>
  );
}

/** Unsent text of the closed conversation: it can be copied or discarded. */
function Unsent({ room }: { room: Room }) {
  const failed = room.failed.value;
  if (failed.length === 0) return null;
  return (
    <section class="unsent" aria-label="Not sent">
      <p>What you wrote was not sent:</p>
      {failed.map(({ message }) => (
        <Text key={message.clientMessageId} text={message.content ?? "📎 Files"} />
      ))}
      <button
        type="button"
        onClick={() => {
          for (const one of failed) room.discard(one);
        }}
      >
        Discard
      </button>
    </section>
  );
}

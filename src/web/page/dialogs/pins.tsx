import { useState } from "preact/hooks";
import { previewOf } from "../model/newest.ts";
import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { useSession } from "../parts/context.ts";
import { IconButton } from "../parts/icon.tsx";
import { reveal } from "../parts/moving.ts";

/** Pinned messages that are shown at first: each that is not loaded is asked for. */
const SHOWN_AT_FIRST = 5;

/** The pinned messages; a press scrolls to one. */
export function PinList({ room, onClose }: { room: Room; onClose: () => void }) {
  const { rest } = useSession();
  const [showsAll, setShowsAll] = useState(false);
  const all = room.conversation.info?.pins ?? [];
  if (all.length === 0) return null;
  const go = (messageId: string) => {
    onClose();
    // The dialog returns the focus first.
    requestAnimationFrame(() => reveal(room, messageId));
  };
  return (
    <section class="section">
      <h3>Pinned</h3>
      <ul class="pins" aria-label="Pinned messages">
        {(showsAll ? all : all.slice(0, SHOWN_AT_FIRST)).map((id) => (
          <li key={id} class="pin">
            <PinnedMessage room={room} messageId={id} onPress={() => go(id)} />
            {room.moderates.value && (
              <IconButton
                icon="close"
                label="Unpin"
                onClick={() => void rest.unpin(room.id, id).catch(complain)}
              />
            )}
          </li>
        ))}
      </ul>
      {!showsAll && all.length > SHOWN_AT_FIRST && (
        <button type="button" class="link" onClick={() => setShowsAll(true)}>
          Show all {all.length}
        </button>
      )}
    </section>
  );
}

function PinnedMessage(props: { room: Room; messageId: string; onPress: () => void }) {
  const { me, people } = useSession();
  const message = props.room.quotedBy(props.messageId);
  if (!message || message === "unknown") {
    return <p class="quote">{message ? "A message that is gone" : "…"}</p>;
  }
  const { senderId } = message;
  return (
    <button type="button" class="quote" onClick={props.onPress}>
      <strong>{senderId === me.id ? "You" : people.nameOf(senderId ?? "")}</strong>
      <span class="quote-text" dir="auto">
        {previewOf(message)}
      </span>
    </button>
  );
}

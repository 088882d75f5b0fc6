import { previewOf } from "../model/newest.ts";
import type { Room } from "../model/room.ts";
import { useSession } from "./context.ts";
import { reveal } from "./moving.ts";

/** The quoted message of a reply; a press scrolls to it. */
export function Quote({ room, messageId }: { room: Room; messageId: string }) {
  const { me, people } = useSession();
  void room.version.value;
  const quoted = room.quotedBy(messageId);
  if (quoted === undefined || quoted === "unknown") {
    return <p class="quote">{quoted === undefined ? "…" : "A message that is gone"}</p>;
  }
  const name = quoted.senderId === me.id ? "You" : people.nameOf(quoted.senderId ?? "");
  return (
    <button type="button" class="quote" onClick={() => reveal(room, messageId)}>
      <span class="visually-hidden">In reply to </span>
      <strong>{name}</strong>
      <span class="quote-text" dir="auto">
        {previewOf(quoted)}
      </span>
    </button>
  );
}

import type { WireMessage } from "../../../client/received.ts";
import { useSession } from "./context.ts";

/** The reactions of a message; a press toggles the user's own. */
export function Reactions(props: {
  reactions: WireMessage["reactions"];
  onToggle: (emoji: string) => void;
}) {
  const { me, people } = useSession();
  if (props.reactions.length === 0) return null;
  return (
    <ul class="reactions" aria-label="Reactions">
      {props.reactions.map(({ emoji, count, userIds }) => {
        const names = userIds.map((id) => (id === me.id ? "You" : people.nameOf(id))).join(", ");
        return (
          <li key={emoji}>
            <button
              type="button"
              class="reaction"
              aria-pressed={userIds.includes(me.id)}
              aria-label={`${emoji} ${count}, by ${names}`}
              title={names}
              onClick={() => props.onToggle(emoji)}
            >
              {emoji}
              <span>{count}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

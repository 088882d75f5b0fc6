import type { WireMember } from "../../../client/received.ts";
import type { Room } from "../model/room.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";

const ROLE_NAMES: Record<WireMember["role"], string> = {
  owner: "Owner",
  moderator: "Moderator",
  member: "",
};

interface Props {
  room: Room;
  members: readonly WireMember[];
  /** Whether the user may remove members. */
  onRemove?: (userId: string) => void;
}

export function MemberList({ room, members, onRemove }: Props) {
  const { me, people } = useSession();
  const { online } = room;
  return (
    <ul class="people" aria-label="Members">
      {members.map(({ userId, name, role }) => {
        const shown = name ?? people.nameOf(userId);
        const isOnline = online?.has(userId) === true;
        return (
          <li key={userId} class="member">
            <Avatar id={userId} name={shown} size="small" isOnline={isOnline} />
            <span>
              {shown}
              {userId === me.id && " (you)"}
              {isOnline && <span class="visually-hidden">, online</span>}
            </span>
            <span class="faint">{ROLE_NAMES[role]}</span>
            {onRemove && userId !== me.id && (
              <button
                type="button"
                class="link"
                aria-label={`Remove ${shown}`}
                onClick={() => onRemove(userId)}
              >
                Remove
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

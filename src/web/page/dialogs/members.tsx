import { useState } from "preact/hooks";
import type { WireMember } from "../../../client/received.ts";
import { mutedUntil } from "../model/rights.ts";
import type { Room } from "../model/room.ts";
import { momentOf } from "../model/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { IconButton } from "../parts/icon.tsx";
import { PersonMenu } from "./actions.tsx";

const ROLE_NAMES: Record<WireMember["role"], string> = {
  owner: "Owner",
  moderator: "Moderator",
  member: "",
};

interface Props {
  room: Room;
  members: readonly WireMember[];
  onRemove: (userId: string) => void;
}

/** The members with their roles, and what can be done about each. */
export function MemberList({ room, members, onRemove }: Props) {
  const { me, people } = useSession();
  const [menu, setMenu] = useState<{ userId: string; anchor: HTMLElement }>();
  const { online, conversation } = room;
  const isChannel = conversation.info?.kind === "channel";
  return (
    <>
      <ul class="people" aria-label="Members">
        {members.map((member) => {
          const { userId, name, role } = member;
          const shown = name ?? people.nameOf(userId);
          const isOnline = online?.has(userId) === true;
          const muted = mutedUntil(member);
          return (
            <li key={userId} class="member">
              <Avatar id={userId} name={shown} size="small" isOnline={isOnline} />
              <span>
                {shown}
                {userId === me.id && " (you)"}
                {isOnline && <span class="visually-hidden">, online</span>}
                {ROLE_NAMES[role] && <span class="faint block">{ROLE_NAMES[role]}</span>}
                {muted && <span class="faint block">Muted until {momentOf(muted)}</span>}
              </span>
              {room.moderates.value && userId !== me.id && !(role === "owner" && isChannel) && (
                <button
                  type="button"
                  class="link"
                  aria-label={`Remove ${shown}`}
                  onClick={() => onRemove(userId)}
                >
                  Remove
                </button>
              )}
              {userId !== me.id && (
                <IconButton
                  icon="more"
                  label={`More about ${shown}`}
                  hasMenu
                  onClick={({ currentTarget }) => {
                    if (currentTarget instanceof HTMLElement) {
                      setMenu({ userId, anchor: currentTarget });
                    }
                  }}
                />
              )}
            </li>
          );
        })}
      </ul>
      {menu && <PersonMenu {...menu} room={room} onClose={() => setMenu(undefined)} />}
    </>
  );
}

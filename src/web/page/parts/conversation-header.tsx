import type { Room } from "../model/room.ts";
import { close } from "../model/route.ts";
import { searching } from "../model/searching.ts";
import { Avatar } from "./avatar.tsx";
import { useSession } from "./context.ts";
import { IconButton } from "./icon.tsx";
import { useTitle } from "./title.ts";

/** The conversation's title and who is online. */
export function ConversationHeader({ room, onDetails }: { room: Room; onDetails: () => void }) {
  const { me, people } = useSession();
  void room.version.value;
  const { title, other, kind } = useTitle(room);
  const { conversation, online } = room;
  const { typing, onlineCount, info } = conversation;
  const typists = typing.filter((id) => id !== me.id).map((id) => people.nameOf(id).split(" ")[0]);
  const isOnline = other !== undefined && online?.has(other) === true;
  const count = info?.memberCount ?? 0;
  const members = `${count} ${count === 1 ? "member" : "members"}`;
  const known =
    kind === "direct" ? (isOnline ? "Online" : "Offline") : `${members}, ${onlineCount} online`;
  const presence = online ? known : kind === "direct" ? "" : members;
  const icon = kind === "channel" ? "channel" : "group";
  return (
    <header class="conversation-header">
      <IconButton icon="back" label="Back to the list" class="back" onClick={close} />
      <Avatar
        id={other ?? room.id}
        name={title}
        isOnline={isOnline}
        {...(kind !== "direct" && { icon })}
      />
      <div class="conversation-title">
        <h2 dir="auto">{title}</h2>
        <p aria-live="polite">
          {online && typists.length > 0 ? (
            <span class="typing">{`${typists.join(", ")} ${typists.length === 1 ? "is" : "are"} typing…`}</span>
          ) : (
            room.wasLive && presence
          )}
        </p>
      </div>
      <IconButton
        icon="search"
        label="Search here"
        onClick={() => {
          searching.value = "here";
        }}
      />
      <IconButton icon="info" label="Details" onClick={onDetails} />
    </header>
  );
}

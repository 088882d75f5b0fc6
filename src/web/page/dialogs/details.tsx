import { useState } from "preact/hooks";
import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { close } from "../model/route.ts";
import { notifiesBy } from "../model/turned-on.ts";
import { useSession } from "../parts/context.ts";
import { useTitle } from "../parts/title.ts";
import { Dialog } from "./dialog.tsx";
import { LevelChoice } from "./level.tsx";
import { MemberList } from "./members.tsx";
import { PeoplePicker } from "./people-picker.tsx";

/** The members of a conversation and the actions on it. */
export function DetailsDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const { rest, me, inbox } = useSession();
  void room.version.value;
  const [isAdding, setAdding] = useState(false);
  const { title, kind } = useTitle(room);
  const { info, you, members } = room.conversation;
  const entry = inbox.entries.value.find(({ id }) => id === room.id);
  const isChannel = kind === "channel";
  const canManage = you?.role === "owner" || you?.role === "moderator";
  const present = [...members.values()].filter(({ leftAt }) => leftAt === null);
  const run = (work: Promise<unknown>, andThen = onClose) => {
    work.then(andThen, complain);
  };
  const leave = () => {
    const leaving = isChannel ? rest.leaveChannel(room.id) : rest.removeParticipant(room.id, me.id);
    run(leaving, () => {
      onClose();
      close();
    });
  };
  const add = (userId: string) => {
    run(isChannel ? rest.invite(room.id, userId) : rest.addParticipant(room.id, userId), () =>
      setAdding(false),
    );
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {info?.description && <p class="hint">{info.description}</p>}
      <MemberList
        room={room}
        members={present}
        {...(canManage &&
          kind === "group" && {
            onRemove: (userId: string) =>
              run(rest.removeParticipant(room.id, userId), () => undefined),
          })}
      />
      {isAdding && (
        <PeoplePicker
          without={new Set(present.map(({ userId }) => userId))}
          picked={[]}
          onToggle={({ id }) => add(id)}
        />
      )}
      {notifiesBy && <LevelChoice id={room.id} />}
      <div class="buttons">
        {kind !== "direct" && canManage && info?.archivedAt == null && (
          <button type="button" aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
            {isChannel ? "Invite" : "Add people"}
          </button>
        )}
        {!isChannel && entry && (
          <button type="button" onClick={() => run(inbox.archive(room.id))}>
            {entry.isArchived ? "Bring back from the archive" : "Archive"}
          </button>
        )}
        {isChannel && you?.role === "owner" && (
          <button
            type="button"
            onClick={() =>
              run(
                info?.archivedAt == null
                  ? rest.archiveChannel(room.id)
                  : rest.unarchiveChannel(room.id),
              )
            }
          >
            {info?.archivedAt == null ? "Archive channel" : "Reopen channel"}
          </button>
        )}
        {kind !== "direct" && !(isChannel && you?.role === "owner") && (
          <button type="button" class="danger" onClick={leave}>
            Leave
          </button>
        )}
      </div>
    </Dialog>
  );
}

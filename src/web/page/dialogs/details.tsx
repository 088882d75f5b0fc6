import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { complain } from "../model/notices.ts";
import { roleIn } from "../model/rights.ts";
import type { Room } from "../model/room.ts";
import { close } from "../model/route.ts";
import { spanOf } from "../model/slow-mode.ts";
import { notifiesBy } from "../model/turned-on.ts";
import { useSession } from "../parts/context.ts";
import { useTitle } from "../parts/title.ts";
import { BanList } from "./bans.tsx";
import { ConversationSettings } from "./conversation-settings.tsx";
import { Dialog } from "./dialog.tsx";
import { LevelChoice } from "./level.tsx";
import { MemberList } from "./members.tsx";
import { PeoplePicker } from "./people-picker.tsx";
import { PinList } from "./pins.tsx";

type Section = "adding" | "settings";

/** The members of a conversation, what its moderators have set, and the actions on it. */
export function DetailsDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const { rest, me, inbox } = useSession();
  void room.version.value;
  const [open, setOpen] = useState<Section | undefined>();
  const { title, kind } = useTitle(room);
  const { info, members } = room.conversation;
  const entry = inbox.entries.value.find(({ id }) => id === room.id);
  const isChannel = kind === "channel";
  const isOwner = roleIn(room.conversation) === "owner";
  const isArchived = info?.archivedAt != null;
  const moderates = room.moderates.value;
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
      setOpen(undefined),
    );
  };
  const remove = (userId: string) => {
    run(
      isChannel ? rest.expel(room.id, userId) : rest.removeParticipant(room.id, userId),
      () => undefined,
    );
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {info?.description && <p class="hint">{info.description}</p>}
      {!!info?.slowModeSeconds && (
        <p class="hint">
          Slow mode: {spanOf(info.slowModeSeconds)} between messages of one person.
        </p>
      )}
      {info?.locked && <p class="hint">Only moderators can write.</p>}
      <MemberList room={room} members={present} onRemove={remove} />
      {open === "adding" && (
        <PeoplePicker
          without={new Set(present.map(({ userId }) => userId))}
          picked={[]}
          onToggle={({ id }) => add(id)}
        />
      )}
      {open === "settings" && (
        <ConversationSettings room={room} onSaved={() => setOpen(undefined)} />
      )}
      <PinList room={room} onClose={onClose} />
      {moderates && <BanList room={room} memberCount={present.length} />}
      {notifiesBy && <LevelChoice id={room.id} />}
      <div class="buttons">
        {moderates && !isArchived && (
          <>
            <Expander name="settings" open={open} onToggle={setOpen}>
              Settings
            </Expander>
            <Expander name="adding" open={open} onToggle={setOpen}>
              {isChannel ? "Invite" : "Add people"}
            </Expander>
          </>
        )}
        {!isChannel && entry && (
          <button type="button" onClick={() => run(inbox.archive(room.id))}>
            {entry.isArchived ? "Bring back from the archive" : "Archive"}
          </button>
        )}
        {isChannel && isOwner && (
          <button
            type="button"
            onClick={() =>
              run(isArchived ? rest.unarchiveChannel(room.id) : rest.archiveChannel(room.id))
            }
          >
            {isArchived ? "Reopen channel" : "Archive channel"}
          </button>
        )}
        {kind !== "direct" && !(isChannel && isOwner) && (
          <button type="button" class="danger" onClick={leave}>
            Leave
          </button>
        )}
      </div>
    </Dialog>
  );
}

/** A button that shows one section, or hides it. */
function Expander(props: {
  name: Section;
  open: Section | undefined;
  onToggle: (open: Section | undefined) => void;
  children: ComponentChildren;
}) {
  const isOpen = props.open === props.name;
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      onClick={() => props.onToggle(isOpen ? undefined : props.name)}
    >
      {props.children}
    </button>
  );
}

import { useState } from "preact/hooks";
import { announce, complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { slowModeSteps } from "../model/slow-mode.ts";
import { useSession } from "../parts/context.ts";
import { Choice } from "./choice.tsx";

/** What moderators set: the name, slow mode, and whether only they can write. */
export function ConversationSettings({ room, onSaved }: { room: Room; onSaved: () => void }) {
  const { rest } = useSession();
  const { info } = room.conversation;
  const [title, setTitle] = useState(info?.title ?? "");
  const [seconds, setSeconds] = useState(String(info?.slowModeSeconds ?? 0));
  const [isLocked, setLocked] = useState(info?.locked === true);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const changes = {
      ...(title.trim() !== (info?.title ?? "") && { title: title.trim() }),
      ...(Number(seconds) !== (info?.slowModeSeconds ?? 0) && { slowModeSeconds: Number(seconds) }),
      ...(isLocked !== (info?.locked === true) && { locked: isLocked }),
    };
    if (Object.keys(changes).length === 0) {
      onSaved();
      return;
    }
    setBusy(true);
    rest
      .updateConversation(room.id, changes)
      .then(() => {
        announce("Saved");
        onSaved();
      }, complain)
      .finally(() => setBusy(false));
  };
  return (
    <form class="stack section" aria-label="Settings" onSubmit={submit}>
      <label class="field">
        Name
        <input
          maxLength={info?.kind === "channel" ? 100 : 200}
          value={title}
          onInput={({ currentTarget }) => setTitle(currentTarget.value)}
        />
      </label>
      <Choice
        label="Slow mode: time between messages of one person"
        names={slowModeSteps(Number(seconds))}
        value={seconds}
        onChange={setSeconds}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={isLocked}
          onChange={({ currentTarget }) => setLocked(currentTarget.checked)}
        />
        Only moderators can write
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={isBusy}>
          Save
        </button>
      </div>
    </form>
  );
}

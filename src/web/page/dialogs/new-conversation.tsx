import { useState } from "preact/hooks";
import type { Someone } from "../model/identity.ts";
import { complain } from "../model/notices.ts";
import { open } from "../model/route.ts";
import { useSession } from "../parts/context.ts";
import { Dialog } from "./dialog.tsx";
import { PeoplePicker } from "./people-picker.tsx";

/** Starts a direct conversation (which may exist already) or a group. */
export function NewConversationDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const [picked, setPicked] = useState<readonly Someone[]>([]);
  const [title, setTitle] = useState("");
  const [isBusy, setBusy] = useState(false);
  const isGroup = picked.length > 1;
  const toggle = (someone: Someone) => {
    const rest = picked.filter(({ id }) => id !== someone.id);
    setPicked(rest.length < picked.length ? rest : [...picked, someone]);
  };
  const begin = async () => {
    setBusy(true);
    try {
      const { conversationId } = isGroup
        ? await session.rest.group({ title, participantIds: picked.map(({ id }) => id) })
        : await session.rest.direct(picked[0]?.id ?? "");
      onClose();
      open(conversationId);
    } catch (error) {
      complain(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New conversation" onClose={onClose}>
      <p class="hint">Pick one person to talk to, or several for a group.</p>
      <PeoplePicker picked={picked} onToggle={toggle} />
      {isGroup && (
        <label class="field">
          Name of the group
          <input
            maxLength={200}
            value={title}
            onInput={({ currentTarget }) => setTitle(currentTarget.value)}
          />
        </label>
      )}
      <div class="buttons">
        <button
          type="button"
          class="primary"
          disabled={picked.length === 0 || isBusy}
          onClick={() => void begin()}
        >
          {isGroup ? "Create group" : "Start conversation"}
        </button>
      </div>
    </Dialog>
  );
}

import { useState } from "preact/hooks";
import { Choice } from "../dialogs/choice.tsx";
import { Dialog } from "../dialogs/dialog.tsx";
import { complain } from "../model/notices.ts";
import type { Act } from "./acts.ts";

const MESSAGES = { clear: "Clear texts and files", keep: "Keep them, without a name" };

interface Props {
  act: Act;
  /** The id of what it is done to, and what that is called. */
  id: string;
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** Asks why something is done and, where it cannot be undone, for the id. */
export function ActDialog({ act, id, name, onDone, onClose }: Props) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [messages, setMessages] = useState<"clear" | "keep">("clear");
  const [isBusy, setBusy] = useState(false);
  const isReady = reason.trim() !== "" && (!act.isFinal || typed.trim() === id);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isReady) return;
    setBusy(true);
    act.run({ reason: reason.trim(), messages }).then(
      () => {
        onDone();
        onClose();
      },
      (error: unknown) => {
        complain(error);
        setBusy(false);
      },
    );
  };
  return (
    <Dialog title={`${act.label}: ${name}`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p class="hint">{act.hint}</p>
        {act.asksMessages && (
          <Choice
            label="What they wrote"
            names={MESSAGES}
            value={messages}
            onChange={setMessages}
          />
        )}
        <label class="field">
          Why, for the audit log
          <input
            required
            maxLength={500}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {act.isFinal && (
          <label class="field">
            Type the id to confirm: {id}
            <input
              required
              autocomplete="off"
              value={typed}
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          </label>
        )}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={act.isFinal ? "danger" : "primary"}
            disabled={isBusy || !isReady}
          >
            {act.label}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

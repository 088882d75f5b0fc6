import { useState } from "preact/hooks";
import { complain } from "../model/notices.ts";
import { useSession } from "../parts/context.ts";
import { Choice } from "./choice.tsx";
import { Dialog } from "./dialog.tsx";
import { endOf, SPANS, type Span } from "./span.ts";

interface Props {
  kind: "mute" | "ban";
  conversationId: string;
  userId: string;
  name: string;
  onClose: () => void;
}

const TEXTS = {
  mute: { action: "Mute", hint: "They can read here, and not write." },
  ban: { action: "Ban", hint: "They are removed, and cannot come back before the ban ends." },
} as const;

/** Mutes a member, or bans somebody: both for a time. */
export function RestrictDialog({ kind, conversationId, userId, name, onClose }: Props) {
  const { rest } = useSession();
  const [span, setSpan] = useState<Span>(kind === "mute" ? "day" : "always");
  const [reason, setReason] = useState("");
  const [isBusy, setBusy] = useState(false);
  const { action, hint } = TEXTS[kind];
  const { always, ...limited } = SPANS;
  const submit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const [end, given] = [endOf(span), reason.trim()];
    const work =
      kind === "mute"
        ? rest.mute(conversationId, userId, end ?? "")
        : rest.ban(conversationId, {
            userId,
            ...(given && { reason: given }),
            ...(end !== null && { expiresAt: end }),
          });
    work.then(onClose, (error: unknown) => {
      complain(error);
      setBusy(false);
    });
  };
  return (
    <Dialog title={`${action} ${name}?`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p class="hint">{hint}</p>
        <Choice
          label="How long"
          names={kind === "mute" ? limited : { always, ...limited }}
          value={span}
          onChange={setSpan}
        />
        {kind === "ban" && (
          <label class="field">
            Why
            <input
              maxLength={500}
              value={reason}
              onInput={({ currentTarget }) => setReason(currentTarget.value)}
            />
          </label>
        )}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

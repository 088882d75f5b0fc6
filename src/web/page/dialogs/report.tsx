import { useState } from "preact/hooks";
import type { WireMessage } from "../../../client/received.ts";
import type { ReportReason } from "../../../domain/report.ts";
import { placeholderOf, previewOf } from "../model/newest.ts";
import { complain } from "../model/notices.ts";
import { useSession } from "../parts/context.ts";
import { Choice } from "./choice.tsx";
import { Dialog } from "./dialog.tsx";

/** What a message is reported for. */
export const REASONS: Record<ReportReason, string> = {
  spam: "Spam",
  harassment: "Harassment",
  hate: "Hate",
  sexual: "Sexual content",
  violence: "Violence",
  illegal: "Something illegal",
  other: "Something else",
};

/** Code points of a note. */
const MAX_NOTE = 2_000;

interface Props {
  message: WireMessage;
  /** Who wrote it. */
  name: string;
  /** Offered once it is reported. */
  onBlock: () => void;
  onClose: () => void;
}

/** Reports a message to the moderators of the platform. */
export function ReportDialog({ message, name, onBlock, onClose }: Props) {
  const { rest } = useSession();
  const [reason, setReason] = useState<ReportReason>("spam");
  const [note, setNote] = useState("");
  const [step, setStep] = useState<"asking" | "sending" | "done">("asking");
  const submit = (event: Event) => {
    event.preventDefault();
    setStep("sending");
    const given = note.trim();
    rest.report(message.id, { reason, ...(given && { note: given }) }).then(
      () => setStep("done"),
      (error: unknown) => {
        complain(error);
        setStep("asking");
      },
    );
  };
  if (step === "done") {
    return (
      <Dialog title="Thank you" onClose={onClose}>
        <p role="status">The moderators will look at it. {name} is not told who reported it.</p>
        <div class="buttons">
          <button type="button" onClick={onBlock}>
            Block {name}
          </button>
          <button type="button" class="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Report this message?" onClose={onClose}>
      <p class="quote">
        <strong>{name}</strong>
        <span class="quote-text" dir="auto">
          {placeholderOf(message) ?? previewOf(message)}
        </span>
      </p>
      <p class="hint">The moderators get the message and the five before it.</p>
      <form class="stack" onSubmit={submit}>
        <Choice label="What is wrong" names={REASONS} value={reason} onChange={setReason} />
        <label class="field">
          What the moderators should know
          <textarea
            rows={3}
            maxLength={MAX_NOTE}
            value={note}
            onInput={({ currentTarget }) => setNote(currentTarget.value)}
          />
        </label>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={step === "sending"}>
            Report
          </button>
        </div>
      </form>
    </Dialog>
  );
}

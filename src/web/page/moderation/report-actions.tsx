import { useState } from "preact/hooks";
import type { Report } from "../../../client/staff.ts";
import type { ReportAction } from "../../../domain/report.ts";
import { Choice } from "../dialogs/choice.tsx";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";
import { useSession } from "../parts/context.ts";

const ACTIONS: Record<ReportAction, string> = {
  none: "Nothing: no violation",
  deleted: "Message deleted",
  warned: "Person warned",
  muted: "Person muted",
  banned: "Person banned",
};

interface Props {
  report: Report;
  onChange: (report: Report) => void;
  onFail: () => void;
}

/** Claims a report, gives it back, or resolves it; of a resolved one, how. */
export function ReportActions({ report, onChange, onFail }: Props) {
  const { me, staff, people } = useSession();
  const [action, setAction] = useState<ReportAction>("none");
  const [resolution, setResolution] = useState("");
  const [isBusy, setBusy] = useState(false);
  const { id, state, claimedBy, resolvedBy, resolvedAt } = report;
  const run = (work: Promise<Report>) => {
    setBusy(true);
    work
      .then(onChange, (error: unknown) => {
        complain(error);
        onFail();
      })
      .finally(() => setBusy(false));
  };
  const resolve = (event: Event) => {
    event.preventDefault();
    const given = resolution.trim();
    run(staff.resolveReport(id, { action, ...(given && { resolution: given }) }));
  };
  if (state === "resolved") {
    return (
      <footer class="report-actions">
        <p>
          <strong>{ACTIONS[report.action ?? "none"]}</strong>
          {report.resolution && `: ${report.resolution}`}
        </p>
        <p class="faint">
          Resolved by {people.nameOf(resolvedBy ?? "")}
          {resolvedAt && ` on ${momentOf(new Date(resolvedAt))}`}
        </p>
      </footer>
    );
  }
  if (state === "open" || claimedBy !== me.id) {
    return (
      <footer class="report-actions row">
        <p>
          {state === "open"
            ? "Nobody works on it yet."
            : `${people.nameOf(claimedBy ?? "")} works on it.`}
        </p>
        {state === "open" && (
          <button
            type="button"
            class="primary"
            disabled={isBusy}
            onClick={() => run(staff.claimReport(id))}
          >
            Claim
          </button>
        )}
      </footer>
    );
  }
  return (
    <form class="report-actions stack" aria-label="Resolve" onSubmit={resolve}>
      <Choice label="What was done" names={ACTIONS} value={action} onChange={setAction} />
      <label class="field">
        For the record
        <textarea
          rows={2}
          maxLength={2_000}
          value={resolution}
          onInput={({ currentTarget }) => setResolution(currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="button" disabled={isBusy} onClick={() => run(staff.releaseReport(id))}>
          Give back
        </button>
        <button type="submit" class="primary" disabled={isBusy}>
          Resolve
        </button>
      </div>
    </form>
  );
}

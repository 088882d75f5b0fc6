import type { Report } from "../../../client/staff.ts";
import { REASONS } from "../dialogs/report.tsx";
import { briefly } from "../model/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";

/** Stands for the author of messages that nobody wrote. */
export const SYSTEM = "System";

interface Props {
  report: Report;
  isChosen: boolean;
  onChoose: () => void;
}

/** A report in the list: who is reported, for what, and who works on it. */
export function ReportRow({ report, isChosen, onChoose }: Props) {
  const { me, people } = useSession();
  const { reason, note, createdAt, claimedBy, state } = report;
  const reportedId = report.reportedId ?? SYSTEM;
  const name = people.nameOf(reportedId);
  return (
    <li>
      <button
        type="button"
        class="entry"
        aria-current={isChosen ? "true" : undefined}
        onClick={onChoose}
      >
        <Avatar id={reportedId} name={name} />
        <span class="entry-title" dir="auto">
          {name}
        </span>
        <time dateTime={createdAt}>{briefly(new Date(createdAt))}</time>
        <span class="entry-preview" dir="auto">
          {state === "claimed" &&
            `${claimedBy === me.id ? "Yours" : people.nameOf(claimedBy ?? "")}: `}
          {REASONS[reason] + (note ? `, ${note}` : "")}
        </span>
      </button>
    </li>
  );
}

import type { Report } from "../../../client/staff.ts";
import { REASONS } from "../dialogs/report.tsx";
import { momentOf } from "../model/time.ts";
import { Avatar, colourOf } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Icon, IconButton } from "../parts/icon.tsx";
import { sizeOf } from "../parts/size.ts";
import { Text } from "../parts/text.tsx";
import { ReportActions } from "./report-actions.tsx";
import { SYSTEM } from "./report-row.tsx";

interface Props {
  report: Report;
  onChange: (report: Report) => void;
  /** The server refused: somebody else may have been faster. */
  onFail: () => void;
  onClose: () => void;
}

/** A report: what was said, as it was when it was reported, and what is done about it. */
export function ReportView({ report, onChange, onFail, onClose }: Props) {
  const { people } = useSession();
  const { reporterId, reason, note, createdAt, messageId, snapshot } = report;
  const reportedId = report.reportedId ?? SYSTEM;
  const name = people.nameOf(reportedId);
  return (
    <main class="conversation">
      <header class="conversation-header">
        <IconButton icon="back" label="Back to the list" class="back" onClick={onClose} />
        <Avatar id={reportedId} name={name} />
        <div class="conversation-title">
          <h2 dir="auto">{name}</h2>
          <p>
            {REASONS[reason]}, reported by {people.nameOf(reporterId)} on{" "}
            {momentOf(new Date(createdAt))}
          </p>
        </div>
      </header>
      <section class="report" aria-label="What was reported">
        {note && (
          <p class="quote">
            <strong>{people.nameOf(reporterId)}</strong>
            <span dir="auto">{note}</span>
          </p>
        )}
        <ol class="rows" aria-label="Messages">
          {snapshot.map((message) => (
            <Said
              key={message.messageId}
              message={message}
              isReported={message.messageId === messageId}
            />
          ))}
        </ol>
      </section>
      <ReportActions report={report} onChange={onChange} onFail={onFail} />
    </main>
  );
}

function Said(props: { message: Report["snapshot"][number]; isReported: boolean }) {
  const { senderName, content, attachments, createdAt } = props.message;
  const senderId = props.message.senderId ?? SYSTEM;
  const name = senderName ?? senderId;
  const isEmpty = content === "" && attachments.length === 0;
  return (
    <li
      class={`message theirs is-first is-last ${props.isReported ? "is-reported" : ""}`}
      tabIndex={props.isReported ? 0 : -1}
    >
      <p class={`author colour-${colourOf(senderId)}`} dir="auto">
        {name}
      </p>
      <div class="line">
        <Avatar id={senderId} name={name} size="small" />
        <div class="bubble">
          {attachments.map((file) => (
            <p key={file.name} class="file">
              <Icon name="file" />
              <span class="file-name">{file.name}</span>
              <span class="file-size">{sizeOf(file.size)}</span>
            </p>
          ))}
          {content !== "" && <Text text={content} />}
          {isEmpty && <p class="faint">Deleted before it was reported</p>}
        </div>
      </div>
      <p class="meta">
        <time dateTime={createdAt}>{momentOf(new Date(createdAt))}</time>
        {props.isReported && <strong>Reported</strong>}
      </p>
    </li>
  );
}

import { useEffect, useState } from "preact/hooks";
import type {
  AdminConversation,
  Administration,
  AdminUser,
  FoundConversation,
} from "../../../client/administration.ts";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";
import { useSession } from "../parts/context.ts";
import { IconButton } from "../parts/icon.tsx";
import { ActDialog } from "./act-dialog.tsx";
import { type Act, actsOnConversation, actsOnUser } from "./acts.ts";
import { JobsList } from "./jobs-list.tsx";

export interface Subject {
  kind: "user" | "conversation";
  id: string;
}

interface Props {
  subject: Subject;
  administration: Administration;
  onChoose: (subject: Subject) => void;
  onClose: () => void;
}

/** A user or a conversation: what is known of it, and what an admin can do to it. */
export function SubjectView({ subject, administration, onChoose, onClose }: Props) {
  const { staff } = useSession();
  const { kind, id } = subject;
  const [user, setUser] = useState<AdminUser>();
  const [conversation, setConversation] = useState<AdminConversation>();
  const [theirs, setTheirs] = useState<readonly FoundConversation[]>([]);
  const [act, setAct] = useState<Act>();
  const [changes, setChanges] = useState(0);
  const load = async () => {
    try {
      if (kind === "conversation") setConversation(await administration.conversation(id));
      else {
        setUser(await administration.user(id));
        setTheirs((await administration.userConversations(id)).items);
      }
    } catch (error) {
      complain(error);
    }
  };
  useEffect(() => void load(), [changes]);
  const target = { administration, staff, id };
  const acts = user
    ? actsOnUser(target, user.ban !== null, user.legalHold !== null)
    : conversation
      ? actsOnConversation(target, undefined)
      : [];
  const name = user?.name ?? conversation?.title ?? id;
  return (
    <main class="conversation">
      <header class="conversation-header">
        <IconButton icon="back" label="Back to the list" class="back" onClick={onClose} />
        <div class="conversation-title">
          <h2 dir="auto">{name}</h2>
          <p>{id}</p>
        </div>
      </header>
      <div class="report stack">
        <dl>
          {fieldsOf(user ?? conversation ?? {}).map(([field, text]) => (
            <div key={field} class="row">
              <dt class="faint">{field}</dt>
              <dd dir="auto">{text}</dd>
            </div>
          ))}
        </dl>
        {theirs.length > 0 && (
          <section>
            <h3>Conversations</h3>
            <ul aria-label="Conversations">
              {theirs.map((one) => (
                <li key={one.id}>
                  <button
                    type="button"
                    class="link"
                    onClick={() => onChoose({ kind: "conversation", id: one.id })}
                  >
                    {one.kind}: {one.title ?? one.id}
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
        <JobsList administration={administration} after={changes} />
      </div>
      <footer class="report-actions buttons">
        {acts.map((one) => (
          <button
            key={one.label}
            type="button"
            class={one.isFinal ? "danger" : ""}
            onClick={() => setAct(one)}
          >
            {one.label}
          </button>
        ))}
      </footer>
      {act && (
        <ActDialog
          {...{ act, id, name }}
          onDone={() => setChanges((count) => count + 1)}
          onClose={() => setAct(undefined)}
        />
      )}
    </main>
  );
}

const TIME = /^\d{4}-\d\d-\d\dT/;

/** What is known, in words: `legalHold.placedAt` is "legal hold: placed at". */
function fieldsOf(value: object, prefix = ""): [string, string][] {
  return Object.entries(value).flatMap(([name, field]): [string, string][] => {
    if (field === null || field === "") return [];
    const words = prefix + name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    if (typeof field === "object") return fieldsOf(field, `${words}: `);
    const text = String(field);
    return [[words, TIME.test(text) ? momentOf(new Date(text)) : text]];
  });
}

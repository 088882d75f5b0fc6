import { useEffect, useState } from "preact/hooks";
import {
  Administration,
  type FoundConversation,
  type FoundUser,
} from "../../../client/administration.ts";
import { ParleyError } from "../../../client/error.ts";
import { complain } from "../model/notices.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Icon } from "../parts/icon.tsx";
import { JobsList } from "./jobs-list.tsx";
import { type Subject, SubjectView } from "./subject-view.tsx";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** For the role `admin`: finds people and conversations, and shows the one that is chosen. */
export function PeopleAndConversations({ onBack }: { onBack: () => void }) {
  const { staff } = useSession();
  const [administration] = useState(() => new Administration(staff));
  const [query, setQuery] = useState("");
  const [users, setUsers] = useState<readonly FoundUser[]>();
  const [conversations, setConversations] = useState<readonly FoundConversation[]>([]);
  const [chosen, setChosen] = useState<Subject>();
  useEffect(() => {
    document.title = "People and conversations · Parley";
  }, []);
  const search = async (event: Event) => {
    event.preventDefault();
    const text = query.trim();
    if (text === "") return;
    try {
      const [people, found] = await Promise.all([
        administration.users(text),
        UUID.test(text) ? conversationsOfId(administration, text) : titled(administration, text),
      ]);
      setUsers(people.items);
      setConversations(found);
    } catch (error) {
      complain(error);
    }
  };
  return (
    <div class={`chat ${chosen ? "is-open" : ""}`}>
      <aside class="sidebar" aria-label="People and conversations">
        <header class="me">
          <h1>People and conversations</h1>
        </header>
        <form class="states" onSubmit={(event) => void search(event)}>
          <label class="field">
            Name, title or id
            <input
              type="search"
              maxLength={256}
              value={query}
              onInput={({ currentTarget }) => setQuery(currentTarget.value)}
            />
          </label>
          <button type="submit">Search</button>
        </form>
        <nav class="entries" aria-label="Found">
          <ul>
            {users?.map(({ id, name, role }) => (
              <Entry
                key={`user ${id}`}
                {...{ id, name: name ?? id, kind: role }}
                onChoose={() => setChosen({ kind: "user", id })}
              />
            ))}
            {conversations.map(({ id, title, kind }) => (
              <Entry
                key={`conversation ${id}`}
                {...{ id, name: title ?? id, kind }}
                onChoose={() => setChosen({ kind: "conversation", id })}
              />
            ))}
          </ul>
          {users?.length === 0 && conversations.length === 0 && (
            <p class="empty">Nobody and nothing was found.</p>
          )}
        </nav>
        <button type="button" class="sidebar-row" onClick={onBack}>
          <Icon name="back" />
          Back to the reports
        </button>
      </aside>
      {chosen ? (
        <SubjectView
          key={`${chosen.kind} ${chosen.id}`}
          subject={chosen}
          administration={administration}
          onChoose={setChosen}
          onClose={() => setChosen(undefined)}
        />
      ) : (
        <main class="conversation">
          <div class="report">
            <JobsList administration={administration} after={0} />
          </div>
        </main>
      )}
    </div>
  );
}

function Entry(props: { id: string; name: string; kind: string; onChoose: () => void }) {
  const { id, name, kind, onChoose } = props;
  return (
    <li>
      <button type="button" class="entry" onClick={onChoose}>
        <Avatar id={id} name={name} />
        <span class="entry-title" dir="auto">
          {name}
        </span>
        <span class="entry-preview">
          {kind}, {id}
        </span>
      </button>
    </li>
  );
}

async function titled(administration: Administration, title: string) {
  return (await administration.conversations(title)).items;
}

/** The conversation with this id, if there is one. */
async function conversationsOfId(administration: Administration, id: string) {
  try {
    const { title, kind, createdBy, createdAt, ...more } = await administration.conversation(id);
    const { subject, closedAt, memberCount, messageCount } = more;
    const found = { id, title, kind, createdBy, createdAt, subject, closedAt };
    const rest = { memberCount, messageCount, purchaseRequestId: null, lastMessageAt: null };
    return [{ ...found, ...rest }];
  } catch (error) {
    if (error instanceof ParleyError && error.code === "conversation_not_found") return [];
    throw error;
  }
}

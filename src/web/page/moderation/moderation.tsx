import { useEffect, useState } from "preact/hooks";
import { ParleyError } from "../../../client/error.ts";
import type { Report } from "../../../client/staff.ts";
import { isVisible } from "../model/network.ts";
import { complain } from "../model/notices.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Icon, IconButton } from "../parts/icon.tsx";
import { PeopleAndConversations } from "./administration.tsx";
import { ReportRow } from "./report-row.tsx";
import { ReportView } from "./report-view.tsx";
import { mayBeAdmin } from "./role.ts";

const STATES = { open: "Open", claimed: "Claimed", resolved: "Resolved" } as const;
type State = keyof typeof STATES;

interface Page {
  items: readonly Report[];
  /** Where the next page begins; absent: there is none. */
  next?: string | undefined;
}

/** The view of moderators of the platform, at `/moderation`: the reports, and the one that is chosen. */
export function Moderation({ onLeave }: { onLeave: () => void }) {
  const { me, staff, people } = useSession();
  const [state, setState] = useState<State>("open");
  const [page, setPage] = useState<Page>();
  const [chosen, setChosen] = useState<Report>();
  const [isRefused, setRefused] = useState(false);
  const [isAdmin, setAdmin] = useState(false);
  const [isAdministering, setAdministering] = useState(false);
  const load = async (cursor?: string) => {
    try {
      const found = await staff.reports({ state, ...(cursor !== undefined && { cursor }) });
      const named = found.items.flatMap((one) => [one.reporterId, one.reportedId, one.claimedBy]);
      people.learn(found.items.flatMap(({ snapshot }) => snapshot.flatMap(senderOf)));
      people.want(named.filter((id) => id !== null));
      const before = cursor === undefined ? [] : (page?.items ?? []);
      setPage({ ...found, items: [...before, ...found.items] });
    } catch (error) {
      if (error instanceof ParleyError && error.code === "forbidden") setRefused(true);
      else complain(error);
    }
  };
  useEffect(() => {
    if (!isAdministering) document.title = "Reports · Parley";
  }, [isAdministering]);
  useEffect(() => {
    Promise.resolve(me.token()).then((token) => setAdmin(mayBeAdmin(token)), complain);
  }, []);
  // Others work on them as well: back on the page, it shows what there is now.
  useEffect(() => void (isVisible.value && load()), [state, isVisible.value]);
  const changed = (report: Report) => {
    setChosen(report);
    if (page) {
      setPage({ ...page, items: page.items.map((one) => (one.id === report.id ? report : one)) });
    }
  };
  if (isRefused) return <Refused onLeave={onLeave} />;
  if (isAdministering) return <PeopleAndConversations onBack={() => setAdministering(false)} />;
  return (
    <div class={`chat ${chosen ? "is-open" : ""}`}>
      <aside class="sidebar" aria-label="Reports">
        <header class="me">
          <Avatar id={me.id} name={me.name} />
          <h1>
            <span class="visually-hidden">Parley: </span>Reports
          </h1>
          <IconButton icon="retry" label="Refresh" onClick={() => void load()} />
          <IconButton icon="leave" label="Sign out" onClick={onLeave} />
        </header>
        <fieldset class="states">
          <legend class="visually-hidden">Which reports</legend>
          {statesOf(STATES).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === state}
              onClick={() => {
                setPage(undefined);
                setState(one);
              }}
            >
              {STATES[one]}
            </button>
          ))}
        </fieldset>
        <nav class="entries" aria-label={`${STATES[state]} reports`}>
          <ul>
            {page?.items.map((report) => (
              <ReportRow
                key={report.id}
                report={report}
                isChosen={report.id === chosen?.id}
                onChoose={() => setChosen(report)}
              />
            ))}
          </ul>
          {page?.next !== undefined && (
            <button type="button" class="link" onClick={() => void load(page.next)}>
              Show more
            </button>
          )}
          {page?.items.length === 0 && <p class="empty">There are none.</p>}
          {!page && <p class="empty">Loading…</p>}
        </nav>
        {isAdmin && (
          <button type="button" class="sidebar-row" onClick={() => setAdministering(true)}>
            <Icon name="group" />
            People and conversations
          </button>
        )}
        <a class="sidebar-row" href="/">
          <Icon name="back" />
          Back to the chat
        </a>
      </aside>
      {chosen ? (
        <ReportView
          key={chosen.id}
          report={chosen}
          onChange={changed}
          onFail={() => void load()}
          onClose={() => setChosen(undefined)}
        />
      ) : (
        <main class="nothing-open">
          <span class="logo faint">
            <Icon name="flag" />
          </span>
          <h2>No report is chosen</h2>
          <p>Choose one from the list, the oldest first.</p>
        </main>
      )}
    </div>
  );
}

function Refused({ onLeave }: { onLeave: () => void }) {
  return (
    <main class="nothing-open">
      <h2>This page is for moderators of the platform.</h2>
      <p>
        <a href="/">Back to the chat</a>
      </p>
      <button type="button" onClick={onLeave}>
        Sign out
      </button>
    </main>
  );
}

/** The author of a message, who is not the system. */
function senderOf({ senderId, senderName }: Report["snapshot"][number]) {
  return senderId === null ? [] : [{ id: senderId, name: senderName }];
}

function statesOf(states: typeof STATES): State[] {
  return [...Object.keys(states)].filter((key): key is State => Object.hasOwn(states, key));
}

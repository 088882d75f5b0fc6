import { useEffect, useState } from "preact/hooks";
import { hasNetwork } from "../model/network.ts";
import { searching } from "../model/searching.ts";
import { notifiesBy } from "../model/turned-on.ts";
import { Avatar } from "./avatar.tsx";
import { useSession } from "./context.ts";
import { EntryRow } from "./entry-row.tsx";
import { Icon, IconButton } from "./icon.tsx";
import { Later } from "./later.tsx";

type SidebarDialog =
  | "NewConversationDialog"
  | "ChannelsDialog"
  | "BlockedDialog"
  | "NotificationsDialog";

/** The signed-in user and their conversations. */
export function Sidebar({ onLeave }: { onLeave: () => void }) {
  const { me, inbox } = useSession();
  const [dialog, setDialog] = useState<SidebarDialog | undefined>();
  const [inArchive, setInArchive] = useState(false);
  const entries = inbox.entries.value;
  const archived = entries.filter((entry) => entry.isArchived);
  const found = entries.filter((entry) => entry.isArchived === inArchive);
  const shown = found.slice(0, inbox.limit.value);
  const unread = inbox.unread;
  const onClose = () => setDialog(undefined);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : "Parley";
  }, [unread]);
  return (
    <aside class="sidebar" aria-label="Conversations">
      <header class="me">
        <Avatar id={me.id} name={me.name} />
        <h1>
          <span class="visually-hidden">Parley: </span>
          {me.name}
        </h1>
        <IconButton
          icon="channel"
          label="Browse channels"
          onClick={() => setDialog("ChannelsDialog")}
        />
        <IconButton
          icon="compose"
          label="New conversation"
          onClick={() => setDialog("NewConversationDialog")}
        />
        <IconButton icon="leave" label="Sign out" onClick={onLeave} />
      </header>
      <button
        type="button"
        class="search-button"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => {
          searching.value = "everywhere";
        }}
      >
        <Icon name="search" />
        Search
        <span class="keys" aria-hidden="true">
          {/^Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K"}
        </span>
      </button>
      <Connection />
      {inArchive && <h2 class="list-title">Archived</h2>}
      <nav class="entries" aria-label={inArchive ? "Archived conversations" : "Conversations"}>
        <ul>
          {shown.map((entry) => (
            <EntryRow key={entry.id} entry={entry} />
          ))}
        </ul>
        {shown.length < found.length && (
          <button type="button" class="link" onClick={() => inbox.showMore()}>
            Show more
          </button>
        )}
        {shown.length === 0 && inbox.loaded && (
          <EmptyList inArchive={inArchive} onNew={() => setDialog("NewConversationDialog")} />
        )}
      </nav>
      {(archived.length > 0 || inArchive) && (
        <button
          type="button"
          class="sidebar-row"
          aria-pressed={inArchive}
          onClick={() => setInArchive(!inArchive)}
        >
          <Icon name={inArchive ? "back" : "archive"} />
          {inArchive ? "Back to the inbox" : `Archived (${archived.length})`}
        </button>
      )}
      {me.isStaff && (
        <a class="sidebar-row" href="/moderation">
          <Icon name="flag" />
          Reports
        </a>
      )}
      <button type="button" class="sidebar-row" onClick={() => setDialog("BlockedDialog")}>
        <Icon name="block" />
        Blocked people
      </button>
      {notifiesBy && (
        <button type="button" class="sidebar-row" onClick={() => setDialog("NotificationsDialog")}>
          <Icon name="bell" />
          Notifications
        </button>
      )}
      {dialog && (
        <Later
          show={(loaded) => {
            const Dialog = loaded[dialog];
            return <Dialog onClose={onClose} />;
          }}
          onFail={onClose}
        />
      )}
    </aside>
  );
}

function Connection() {
  const { inbox } = useSession();
  const isOffline = !hasNetwork.value;
  return (
    <div class="connection" role="status">
      {isOffline && <p>You are offline.</p>}
      {!isOffline && inbox.isStale && <p>The list could not be refreshed. Trying again…</p>}
    </div>
  );
}

function EmptyList(props: { inArchive: boolean; onNew: () => void }) {
  if (props.inArchive) return <p class="empty">Nothing is archived.</p>;
  return (
    <div class="empty">
      <p>Nobody has written yet, and neither have you.</p>
      <button type="button" class="primary" onClick={props.onNew}>
        Start a conversation
      </button>
    </div>
  );
}

import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Identity, SignIn } from "../model/identity.ts";
import { complain, notice } from "../model/notices.ts";
import { close, isModeration, openId } from "../model/route.ts";
import { searching, searchOnKey } from "../model/searching.ts";
import { Session } from "../model/session.ts";
import { isTurnedOn } from "../model/turned-on.ts";
import type { Notifications } from "../notifications/notifications.ts";
import { SessionContext } from "./context.ts";
import { ConversationView } from "./conversation.tsx";
import { Icon } from "./icon.tsx";
import { Later, loadLater } from "./later.tsx";
import { Announcements, Notice } from "./notices.tsx";
import { Sidebar } from "./sidebar.tsx";

/** The page: the sign-in, then the list beside the open conversation. */
export function Page({ signIn }: { signIn: SignIn }) {
  const [session, setSession] = useState<Session | "unknown" | undefined>("unknown");
  useEffect(() => {
    signIn.remembered().then(
      (identity) => setSession(identity && new Session(identity)),
      (error: unknown) => {
        complain(error);
        setSession(undefined);
      },
    );
  }, []);
  const enter = (identity: Identity) => {
    notice.value = undefined;
    setSession(new Session(identity));
  };
  const leave = () => {
    if (session instanceof Session) session.close();
    signIn.forget();
    setSession(undefined);
  };
  const signOut = () => {
    // The open conversation belongs to this user, not to the next one, and so do notifications.
    close();
    void withNotifications(session, (notifications) => notifications.turnOff().catch(complain));
    leave();
  };
  useEffect(() => {
    if (!(session instanceof Session)) return undefined;
    return effect(() => {
      const reason = session.over.value;
      if (reason === undefined) return;
      leave();
      notice.value = reason;
    });
  }, [session]);
  useEffect(() => void withNotifications(session), [session]);
  return (
    <>
      {session === undefined && <signIn.Form onDone={enter} />}
      {session instanceof Session && (
        <SessionContext.Provider value={session}>
          {isModeration ? (
            <Later show={({ Moderation }) => <Moderation onLeave={signOut} />} />
          ) : (
            <Chat onLeave={signOut} />
          )}
        </SessionContext.Provider>
      )}
      <Announcements />
      <Notice />
    </>
  );
}

/** Begins notifications of a user who has turned them on in this browser. */
async function withNotifications(
  session: Session | "unknown" | undefined,
  work?: (notifications: Notifications) => void,
): Promise<void> {
  if (!(session instanceof Session) || !isTurnedOn(session.me.id)) return;
  const notifications = (await loadLater())?.notificationsOf(session);
  if (notifications) work?.(notifications);
}

function Chat({ onLeave }: { onLeave: () => void }) {
  const id = openId.value;
  useEffect(searchOnKey, []);
  const endSearch = () => {
    searching.value = undefined;
  };
  return (
    <div class={`chat ${id ? "is-open" : ""}`}>
      <Sidebar onLeave={onLeave} />
      {id ? <ConversationView key={id} id={id} /> : <NothingOpen />}
      {searching.value && (
        <Later
          show={({ SearchDialog }) => <SearchDialog onClose={endSearch} />}
          onFail={endSearch}
        />
      )}
    </div>
  );
}

function NothingOpen() {
  return (
    <main class="nothing-open">
      <span class="logo faint">
        <Icon name="logo" />
      </span>
      <h2>Nothing is open</h2>
      <p>Choose a conversation from the list, or start a new one.</p>
    </main>
  );
}

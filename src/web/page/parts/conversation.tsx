import { useState } from "preact/hooks";
import { hasNetwork } from "../model/network.ts";
import { notice } from "../model/notices.ts";
import { silenceOf } from "../model/rights.ts";
import type { Room } from "../model/room.ts";
import { Composer } from "./composer.tsx";
import { useSession } from "./context.ts";
import { ConversationHeader } from "./conversation-header.tsx";
import { hasFiles } from "./dropping.ts";
import { Later } from "./later.tsx";
import { RequestBar } from "./request.tsx";
import { Timeline } from "./timeline.tsx";

/** The conversation that is open. */
export function ConversationView({ id }: { id: string }) {
  const session = useSession();
  const room = session.rooms.value.get(id) ?? session.room(id);
  const [showsDetails, setShowsDetails] = useState(false);
  const closeDetails = () => setShowsDetails(false);
  const [isOver, setIsOver] = useState(false);
  void room.version.value;
  const { status } = room.conversation;
  const silence = silenceOf(room.conversation);
  const attach = (files: readonly File[]) => {
    const left = room.draft.attach(files);
    if (left > 0) notice.value = `One message takes ten files; ${left} more were left out.`;
  };
  if (status.state === "closed") {
    return <Later show={({ Gone }) => <Gone room={room} code={status.code} />} />;
  }
  return (
    <main
      class={`conversation ${isOver ? "is-over" : ""}`}
      onDragOver={(event) => {
        if (silence || !hasFiles(event)) return;
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        // Moving between its children is not leaving it.
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) {
          setIsOver(false);
        }
      }}
      onDrop={(event) => {
        if (silence || !hasFiles(event)) return;
        event.preventDefault();
        setIsOver(false);
        attach([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <ConversationHeader room={room} onDetails={() => setShowsDetails(true)} />
      <Standing room={room} />
      <Timeline room={room} />
      <RequestBar id={id} />
      {silence ? <p class="read-only">{silence}</p> : <Composer room={room} onAttach={attach} />}
      {showsDetails && (
        <Later
          show={({ DetailsDialog }) => <DetailsDialog room={room} onClose={closeDetails} />}
          onFail={closeDetails}
        />
      )}
    </main>
  );
}

/** The connection's state, unless it is live. */
function Standing({ room }: { room: Room }) {
  void room.version.value;
  const { status } = room.conversation;
  const isOffline = !hasNetwork.value || status.state === "offline";
  const text = isOffline
    ? "You are offline. What you write is sent as soon as you are back."
    : status.state === "connecting" && room.wasLive
      ? "Reconnecting…"
      : undefined;
  return (
    <div class="standing" role="status" data-state={isOffline ? "offline" : status.state}>
      {text && (
        <p>
          <span>{text}</span>
          {isOffline && (
            <button type="button" class="link" onClick={() => room.conversation.wake()}>
              Try now
            </button>
          )}
        </p>
      )}
    </div>
  );
}

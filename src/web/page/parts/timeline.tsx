import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { WireMessage, WireRead } from "../../../client/received.ts";
import { isVisible } from "../model/network.ts";
import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { firstUnreadIn, rowsOf, seenBy } from "../model/rows.ts";
import { useSession } from "./context.ts";
import { Icon } from "./icon.tsx";
import { markFocused, moveAmongMessages } from "./moving.ts";
import { anchorIn, belowOf, isEnd, isInView } from "./scrolling.ts";
import { TimelineRow } from "./timeline-row.tsx";

/** Distance from the top or the end at which further messages are loaded, in pixels. */
const NEAR_EDGE = 800;

/** The state when the unread line was placed. */
interface Opened {
  unread: number;
  reads: readonly WireRead[];
  /** The newest message's number. */
  upTo: number;
}

/**
 * The messages. The list grows upwards from its end (`column-reverse`): rows that are loaded or grow above
 * do not move the visible ones.
 */
export function Timeline({ room }: { room: Room }) {
  const { me } = useSession();
  void room.version.value;
  const { conversation, shown, isBack } = room;
  const { messages, pending, reads, unread } = conversation;
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const isLive = conversation.status.state === "live";
  // The line is placed when the conversation is opened, and above messages that arrived while the page was hidden.
  const [opened, setOpened] = useState<Opened | undefined>();
  const firstUnread = useMemo(
    () => opened && firstUnreadAt(opened, messages, me.id, room.hasOlder),
    [opened, messages[0]?.number],
  );
  const isLooking = isVisible.value && isAtEnd && !isBack && !room.isSeeking.value;
  const [isDrawn, setDrawn] = useState(false);
  useLayoutEffect(() => {
    if (!room.wasLive || (isDrawn && isLooking)) return;
    setDrawn(true);
    // A visible line is not removed.
    if (isInView(scroller.current, ".unread-line")) return;
    if (unread > 0) setOpened({ unread, reads: [...reads], upTo: messages.at(-1)?.number ?? 0 });
  }, [room.wasLive, unread > 0]);
  // Start at the unread line: it is in view at first.
  const hasBegun = useRef(false);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || !isDrawn || hasBegun.current) return;
    hasBegun.current = true;
    const line = element.querySelector(".unread-line");
    const hidden = line
      ? line.getBoundingClientRect().top - element.getBoundingClientRect().top
      : 0;
    if (hidden < 0) element.scrollTop += hidden;
  }, [isDrawn]);
  useEffect(() => {
    const newestMessage = messages.at(-1);
    if (!isLive || !isLooking || unread === 0 || !newestMessage) return;
    if (!isDrawn || !isEnd(scroller.current)) return;
    conversation.read({ upTo: newestMessage.id }).catch(complain);
  }, [isLive, isLooking, isDrawn, unread > 0, messages.at(-1)?.number]);

  const look = () => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    setAtEnd(isEnd(element) && !isBack);
    if (scrollHeight - clientHeight + scrollTop < NEAR_EDGE) room.loadOlder().catch(complain);
    if (-scrollTop < NEAR_EDGE) room.loadNewer().catch(complain);
  };
  // A tall window may show the top without scrolling.
  useEffect(look, [shown.length, isBack]);
  const toEnd = () => {
    room.toNewest();
    scroller.current?.scrollTo({ top: 0 });
  };
  // Scroll to the user's own new message; its confirmation moves nothing.
  const sent = pending.at(-1)?.clientMessageId;
  useEffect(() => {
    if (sent !== undefined) toEnd();
  }, [sent]);

  // Measured before rendering: new rows below would push the visible ones up.
  const anchor = isAtEnd && !isBack ? undefined : anchorIn(scroller.current);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || !anchor?.message.isConnected) return;
    element.scrollTop -= belowOf(anchor.message) - anchor.below;
  });

  const seen = seenBy(shown, reads, me.id);
  const unconfirmed = isBack ? ([[], []] as const) : ([pending, room.failed.value] as const);
  const rows = rowsOf(shown, ...unconfirmed, firstUnread);
  const newest = rows.findLast(({ type }) => type === "message")?.key;
  return (
    <div class="timeline">
      <div class="scroller" ref={scroller} onScroll={look}>
        <div class="scrolled">
          {room.hasOlder && <p class="loading">Loading older messages…</p>}
          {!room.hasOlder && room.wasLive && <Beginning isEmpty={rows.length === 0} />}
          {!room.wasLive && <p class="loading">Loading…</p>}
          <ol
            class="rows"
            aria-label="Messages"
            onKeyDown={moveAmongMessages}
            onFocusIn={markFocused}
            onFocusOut={markFocused}
          >
            {rows.map((row) => (
              <TimelineRow
                key={row.key}
                row={row}
                room={room}
                isNewest={row.key === newest}
                seen={row.type === "message" ? (seen.get(row.message.number)?.join() ?? "") : ""}
              />
            ))}
          </ol>
          {isBack && <p class="loading">Loading newer messages…</p>}
        </div>
      </div>
      {(!isAtEnd || isBack) && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          {unread > 0 ? `${unread} new` : "Newest"}
        </button>
      )}
    </div>
  );
}

function firstUnreadAt(
  { unread, reads, upTo }: Opened,
  messages: readonly WireMessage[],
  me: string,
  hasOlder: boolean,
): number | undefined {
  const before = messages.filter(({ number }) => number <= upTo);
  return firstUnreadIn(before, reads, me, unread, hasOlder);
}

function Beginning({ isEmpty }: { isEmpty: boolean }) {
  return (
    <p class="beginning">
      {isEmpty ? "Nothing has been said yet. Say hello!" : "This is where the conversation begins."}
    </p>
  );
}

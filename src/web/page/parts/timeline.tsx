import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isVisible } from "../model/network.ts";
import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { firstUnreadIn, rowsOf, seenBy } from "../model/rows.ts";
import { useSession } from "./context.ts";
import { Icon } from "./icon.tsx";
import { markFocused, moveAmongMessages } from "./moving.ts";
import { TimelineRow } from "./timeline-row.tsx";

/** How near the top older messages are loaded, in pixels. */
const NEAR_TOP = 800;
/** What still is the bottom. */
const NEAR_BOTTOM = 60;

/**
 * The messages. The list grows upwards from its end (`column-reverse`): what is loaded above, or grows
 * above, moves nothing of what is being read.
 */
export function Timeline({ room }: { room: Room }) {
  const { me } = useSession();
  void room.version.value;
  const { conversation } = room;
  const { messages, pending, reads, unread } = conversation;
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const isLive = conversation.status.state === "live";
  // The line is drawn when the conversation is opened, and before what came while nobody looked.
  const [firstUnread, setFirstUnread] = useState<number | undefined>();
  const isLooking = isVisible.value && isAtEnd;
  const [isDrawn, setDrawn] = useState(false);
  useLayoutEffect(() => {
    if (!room.wasLive || (isDrawn && isLooking)) return;
    setDrawn(true);
    if (unread > 0) setFirstUnread(firstUnreadIn(messages, reads, me.id, unread));
  }, [room.wasLive, unread > 0]);
  useEffect(() => {
    const newestMessage = messages.at(-1);
    if (!isLive || !isLooking || unread === 0 || !newestMessage) return;
    conversation.read({ upTo: newestMessage.id }).catch(complain);
  }, [isLive, isLooking, unread > 0, messages.at(-1)?.number]);

  const look = () => {
    const element = scroller.current;
    if (!element) return;
    // At the end `scrollTop` is 0, and less than that above it.
    const { scrollTop, scrollHeight, clientHeight } = element;
    setAtEnd(-scrollTop < NEAR_BOTTOM);
    if (scrollHeight - clientHeight + scrollTop < NEAR_TOP) room.loadOlder().catch(complain);
  };
  // A tall window may show the top before anybody scrolls.
  useEffect(look, [messages.length]);
  const toEnd = () => scroller.current?.scrollTo({ top: 0 });
  useEffect(toEnd, [pending.length > 0]);

  const last = `${messages.at(-1)?.number} after ${firstUnread}`;
  const end = useRef({ last, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const { scrollHeight } = element;
    const { last: before, height } = end.current;
    // What comes below would push up what somebody reads above.
    if (!isAtEnd && last !== before) element.scrollTop -= scrollHeight - height;
    end.current = { last, height: scrollHeight };
  });

  const seen = seenBy(messages, reads, me.id);
  const rows = rowsOf(messages, pending, room.failed.value, firstUnread);
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
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          {unread > 0 ? `${unread} new` : "Newest"}
        </button>
      )}
    </div>
  );
}

function Beginning({ isEmpty }: { isEmpty: boolean }) {
  return (
    <p class="beginning">
      {isEmpty ? "Nothing has been said yet. Say hello!" : "This is where the conversation begins."}
    </p>
  );
}

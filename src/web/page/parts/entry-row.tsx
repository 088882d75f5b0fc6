import type { Entry } from "../model/entry.ts";
import { linkTo } from "../model/link.ts";
import { openId } from "../model/route.ts";
import { briefly } from "../model/time.ts";
import { Avatar } from "./avatar.tsx";
import { useSession } from "./context.ts";
import { Icon, type IconName } from "./icon.tsx";
import { RequestButtons } from "./request.tsx";

const ICONS: Partial<Record<Entry["kind"], IconName>> = { group: "group", channel: "channel" };

/** A row of the list: title, newest message and unread count. */
export function EntryRow({ entry }: { entry: Entry }) {
  const { people } = useSession();
  const { id, kind, title, other, lastAt, unread, isOnline, isMuted, typing, preview } = entry;
  const icon = ICONS[kind];
  const [typist] = typing;
  const line = typist ? `${people.nameOf(typist).split(" ")[0]} is typing…` : preview;
  return (
    <li>
      <a
        class="entry"
        href={linkTo(id)}
        aria-current={openId.value === id ? "page" : undefined}
        data-unread={unread > 0}
      >
        <Avatar id={other ?? id} name={title} isOnline={isOnline} {...(icon && { icon })} />
        <span class="entry-title" dir="auto">
          {kind === "channel" && <span class="visually-hidden">Channel </span>}
          {title}
          {isOnline && <span class="visually-hidden">, online</span>}
          {isMuted && <Icon name="muted" />}
          {isMuted && <span class="visually-hidden">, muted</span>}
        </span>
        {lastAt && <time dateTime={lastAt}>{briefly(new Date(lastAt))}</time>}
        <span class={`entry-preview ${typist ? "typing" : ""}`} dir="auto">
          {line || "No messages yet"}
        </span>
        {unread > 0 && (
          <span class="badge">
            {unread > 99 ? "99+" : unread}
            <span class="visually-hidden"> unread</span>
          </span>
        )}
      </a>
      {entry.isRequest && <RequestButtons entry={entry} />}
    </li>
  );
}

import type { SearchHit, TextRange } from "../../../client/search.ts";
import { unreachable } from "../../../domain/error.ts";
import type { Entry } from "../model/entry.ts";
import { momentOf } from "../model/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import type { IconName } from "../parts/icon.tsx";
import { partsOf } from "./highlight.ts";
import type { Option } from "./options.ts";

const ICONS: Partial<Record<Entry["kind"], IconName>> = { group: "group", channel: "channel" };

/** What an option shows. */
export function OptionContent({ option }: { option: Option }) {
  const { inbox } = useSession();
  switch (option.type) {
    case "conversation": {
      const { id, other, title, kind, isArchived } = option.entry;
      const icon = ICONS[kind];
      return (
        <>
          <Avatar id={other ?? id} name={title} size="small" {...(icon && { icon })} />
          <Name text={title} more={isArchived ? "Archived" : ""} />
        </>
      );
    }
    case "person":
      return (
        <>
          <Avatar id={option.id} name={option.name} size="small" />
          <Name text={option.name} />
        </>
      );
    case "channel": {
      const { channelId, name, description } = option.channel;
      return (
        <>
          <Avatar id={channelId} name={name} size="small" icon="channel" />
          <Name text={name} more={description ?? ""} />
          {!inbox.has(channelId) && <span class="faint">Join</span>}
        </>
      );
    }
    case "message":
      return <Hit hit={option.hit} />;
    case "more":
      return <span class="found-more">Search further back</span>;
    default:
      return unreachable(option);
  }
}

function Name({ text, more = "" }: { text: string; more?: string }) {
  return (
    <span class="found-name">
      <strong dir="auto">{text}</strong>
      {more !== "" && (
        <span class="faint" dir="auto">
          {more}
        </span>
      )}
    </span>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const { me, people, inbox } = useSession();
  const { message, conversation, conversationId, matches, snippet, files } = hit;
  const senderId = message.senderId ?? "";
  const sender = people.nameOf(senderId);
  const entry = inbox.entries.value.find(({ id }) => id === conversationId);
  const title = entry?.title ?? conversation.title ?? sender;
  return (
    <>
      <Avatar id={senderId} name={sender} size="small" />
      <span class="found-message">
        <span class="found-place">
          <strong dir="auto">{senderId === me.id ? "You" : sender}</strong>
          {title !== sender && (
            <span class="faint" dir="auto">
              {title}
            </span>
          )}
          <time class="faint" dateTime={message.sentAt}>
            {momentOf(new Date(message.sentAt))}
          </time>
        </span>
        {snippet.end > snippet.start && (
          <span class="found-text" dir="auto">
            {snippet.start > 0 && "…"}
            <Marked text={message.content} matches={matches} within={snippet} />
            {snippet.end < message.content.length && "…"}
          </span>
        )}
        {files.map(({ index, matches: inName }) => (
          <span key={index} class="found-text" dir="auto">
            {"📎 "}
            <Marked text={message.attachments[index]?.fileName ?? ""} matches={inName} />
          </span>
        ))}
      </span>
    </>
  );
}

/** A text with its matches marked: never markup. */
function Marked(props: { text: string; matches: readonly TextRange[]; within?: TextRange }) {
  const parts = partsOf(props.text, props.matches, props.within);
  return <>{parts.map(({ text, isMatch }) => (isMatch ? <mark>{text}</mark> : text))}</>;
}

import { useState } from "preact/hooks";
import type { WireMessage } from "../../../client/received.ts";
import { placeholderOf, textOf } from "../model/newest.ts";
import type { Room } from "../model/room.ts";
import { momentOf, timeOf } from "../model/time.ts";
import { Attachments } from "./attachments.tsx";
import { Avatar, colourOf } from "./avatar.tsx";
import { useSession } from "./context.ts";
import { EmojiPicker } from "./emoji-picker.tsx";
import { MessageTools } from "./message-tools.tsx";
import { Quote } from "./quote.tsx";
import { Reactions } from "./reactions.tsx";
import { Text } from "./text.tsx";

export interface MessageProps {
  room: Room;
  message: WireMessage;
  /** Position within a group of one author. */
  isFirst: boolean;
  isLast: boolean;
  isNewest: boolean;
  /** Members whose newest read message is this one. */
  seen: readonly string[];
}

/** A confirmed message with its actions. */
export function MessageView({ room, message, isFirst, isLast, isNewest, seen }: MessageProps) {
  const { me, people } = useSession();
  const [picker, setPicker] = useState<HTMLElement | undefined>();
  const senderId = message.senderId ?? "";
  const isMine = senderId === me.id;
  const name = people.nameOf(senderId);
  const at = new Date(message.createdAt);
  const placeholder = placeholderOf(message);
  const isDirect = room.conversation.info?.kind === "direct";
  const change = room.changes.of(message.id);
  const content = textOf(message, change?.content ?? message.content);
  const isWaiting = change !== undefined && isUnheard(room);
  const classes = [
    "message",
    isMine ? "mine" : "theirs",
    isFirst && "is-first",
    isLast && "is-last",
    placeholder && "is-deleted",
    isWaiting && "is-pending",
  ];
  const toggle = (emoji: string) => {
    const { conversation } = room;
    const has = message.reactions.some((one) => one.emoji === emoji && one.userIds.includes(me.id));
    const change = has
      ? conversation.unreact(message.id, emoji)
      : conversation.react(message.id, emoji);
    room.changes.add(message.id, change);
  };
  return (
    <li
      id={message.id}
      class={classes.filter(Boolean).join(" ")}
      tabIndex={isNewest ? 0 : -1}
      data-message={message.number}
    >
      <p
        dir="auto"
        class={
          isFirst && !isMine && !isDirect
            ? `author colour-${colourOf(senderId)}`
            : "visually-hidden"
        }
      >
        {isMine ? "You" : name}
      </p>
      <div class="line">
        {!isMine && isLast && <Avatar id={senderId} name={name} size="small" />}
        <div class="bubble" title={momentOf(at)}>
          {message.replyTo !== null && <Quote room={room} messageId={message.replyTo} />}
          <Attachments attachments={message.attachments} />
          {placeholder && <p class="text">{placeholder}</p>}
          {content !== "" && <Text text={content} />}
        </div>
        {message.deletedAt === null && (
          <MessageTools room={room} message={message} isMine={isMine} onReact={setPicker} />
        )}
      </div>
      <Reactions reactions={message.reactions} onToggle={toggle} />
      {(isLast || message.editedAt !== null || seen.length > 0 || isWaiting) && (
        <p class="meta">
          <time dateTime={message.createdAt}>{timeOf(at)}</time>
          {message.editedAt !== null && !placeholder && <span>Edited</span>}
          {isWaiting && <span>Waiting for the network</span>}
          {seen.length > 0 && (
            <span class="seen">
              {isDirect
                ? "Seen"
                : `Seen by ${seen.map((id) => people.nameOf(id).split(" ")[0]).join(", ")}`}
            </span>
          )}
        </p>
      )}
      {picker && (
        <EmojiPicker anchor={picker} onPick={toggle} onClose={() => setPicker(undefined)} />
      )}
    </li>
  );
}

/** Whether the server is unreachable now. Subscribes to changes, so call it only where it matters. */
function isUnheard(room: Room): boolean {
  void room.version.value;
  return !room.isLive;
}

import { useEffect, useRef } from "preact/hooks";
import { codePoints } from "../../../domain/text.ts";
import type { Room } from "../model/room.ts";
import { spanOf } from "../model/slow-mode.ts";
import { useSession } from "./context.ts";
import { Icon, IconButton } from "./icon.tsx";
import { useTitle } from "./title.ts";
import { UploadList } from "./uploads.tsx";

/** How often typing is repeated: it expires after six seconds. */
const TYPING_EVERY_MS = 3_000;

/** The composer: Enter sends, Shift+Enter starts a new line. */
export function Composer(props: { room: Room; onAttach: (files: readonly File[]) => void }) {
  const { room, onAttach } = props;
  const { me } = useSession();
  const { draft, conversation } = room;
  const { title } = useTitle(room);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const saidTypingAt = useRef(0);
  const purpose = draft.purpose.value;
  const text = draft.text.value;
  const left = (conversation.limits?.contentLength ?? Infinity) - codePoints(text.trim());
  const slow = !room.moderates.value && conversation.info?.slowModeSeconds;
  const isEdit = purpose.type === "edit";
  const canSend = left >= 0 && (isEdit ? text.trim() !== "" : draft.isReady);

  useEffect(() => {
    // On a touch screen the keyboard would cover the messages.
    if (room.isSeeking.peek()) return;
    if (purpose.type !== "new" || matchMedia("(hover: hover)").matches) field.current?.focus();
  }, [room, purpose]);

  const write = (value: string) => {
    draft.text.value = value;
    const now = Date.now();
    if (value.trim() === "") stopTyping();
    else if (!isEdit && now - saidTypingAt.current > TYPING_EVERY_MS) {
      saidTypingAt.current = now;
      conversation.sayTyping();
    }
  };
  const stopTyping = () => {
    if (saidTypingAt.current > 0) conversation.sayTyping(false);
    saidTypingAt.current = 0;
  };
  const submit = () => {
    if (!canSend) return;
    stopTyping();
    if (purpose.type === "edit") {
      const { id, content } = purpose.message;
      if (text.trim() !== content) {
        room.changes.add(id, conversation.edit(id, text.trim()), { content: text.trim() });
      }
      draft.cancel();
    } else {
      room.send();
    }
    field.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && purpose.type !== "new") {
      event.preventDefault();
      draft.cancel();
    } else if (event.key === "ArrowUp" && text === "" && purpose.type === "new") {
      const last = conversation.messages.findLast(({ senderId }) => senderId === me.id);
      if (!last || !room.mayEdit(last)) return;
      event.preventDefault();
      draft.edit(last);
    }
  };
  const paste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])];
    const types = event.clipboardData?.types ?? [];
    // Office programs copy text together with an image of it. A copied file has a name but no HTML.
    const isText = types.includes("text/plain") && types.includes("text/html");
    if (files.length === 0 || isText) return;
    event.preventDefault();
    onAttach(files);
  };
  return (
    <div class="composer">
      {purpose.type !== "new" && <PurposeBar room={room} />}
      <UploadList draft={draft} />
      <div class="composer-row">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to attach"
          onChange={({ currentTarget }) => {
            onAttach([...(currentTarget.files ?? [])]);
            currentTarget.value = "";
          }}
        />
        {!isEdit && (
          <IconButton icon="attach" label="Attach files" onClick={() => picker.current?.click()} />
        )}
        <textarea
          ref={field}
          rows={1}
          aria-label={`Message ${title}`}
          placeholder={`Message ${title}`}
          enterkeyhint="send"
          dir="auto"
          value={text}
          onInput={({ currentTarget }) => write(currentTarget.value)}
          onKeyDown={press}
          onPaste={paste}
          onBlur={stopTyping}
        />
        <button
          type="button"
          class="send"
          aria-label={isEdit ? "Save" : "Send"}
          disabled={!canSend}
          onClick={submit}
        >
          <Icon name={isEdit ? "check" : "send"} />
        </button>
      </div>
      {!!slow && <p class="left">Slow mode: {spanOf(slow)} between messages</p>}
      {left < 100 && (
        <p class={`left ${left < 0 ? "problem" : ""}`} role="status">
          {left < 0 ? `${-left} characters too many` : `${left} characters left`}
        </p>
      )}
    </div>
  );
}

/** The message that is being replied to or edited. */
function PurposeBar({ room }: { room: Room }) {
  const { me, people } = useSession();
  const purpose = room.draft.purpose.value;
  if (purpose.type === "new") return null;
  const message = purpose.type === "edit" ? purpose.message : purpose.to;
  const name = message.senderId === me.id ? "yourself" : people.nameOf(message.senderId ?? "");
  return (
    <div class="purpose">
      <Icon name={purpose.type} />
      <p>
        <strong>{purpose.type === "edit" ? "Editing" : `Replying to ${name}`}</strong>
        <span class="quote-text" dir="auto">
          {message.content || message.attachments[0]?.name}
        </span>
      </p>
      <IconButton icon="close" label="Cancel" onClick={() => room.draft.cancel()} />
    </div>
  );
}

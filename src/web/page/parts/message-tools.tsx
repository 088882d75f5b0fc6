import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { WireMessage } from "../../../client/received.ts";
import { ConfirmDialog } from "../dialogs/confirm.tsx";
import type { Room } from "../model/room.ts";
import { IconButton } from "./icon.tsx";
import { Later } from "./later.tsx";

interface Props {
  room: Room;
  message: WireMessage;
  isMine: boolean;
  onReact: (button: HTMLElement) => void;
}

/** The actions on a message, shown on hover and focus. */
export function MessageTools({ room, message, isMine, onReact }: Props) {
  const [dialog, setDialog] = useState<"delete" | "receipts" | HTMLElement | undefined>();
  const { conversation, draft } = room;
  const close = () => setDialog(undefined);
  const tools = useRef<HTMLDivElement>(null);
  // They disappear when their message is deleted: the focus moves to the message.
  useLayoutEffect(() => {
    const element = tools.current;
    const message = element?.closest<HTMLElement>("[data-message]");
    return () => {
      if (element?.contains(document.activeElement)) message?.focus();
    };
  }, []);
  return (
    <>
      <div class="tools-rail">
        <div ref={tools} class="tools" role="toolbar" aria-label="Message actions">
          {!message.hidden && <IconButton icon="smile" label="React" onClick={by(onReact)} />}
          {!message.hidden && (
            <IconButton icon="reply" label="Reply" onClick={() => draft.reply(message)} />
          )}
          {room.mayEdit(message) && (
            <IconButton icon="edit" label="Edit" onClick={() => draft.edit(message)} />
          )}
          {isMine && (
            <IconButton icon="eye" label="Seen by" onClick={() => setDialog("receipts")} />
          )}
          {isMine && <IconButton icon="trash" label="Delete" onClick={() => setDialog("delete")} />}
          {(!isMine || room.moderates.value) && (
            <IconButton icon="more" label="More" hasMenu onClick={by(setDialog)} />
          )}
        </div>
      </div>
      {dialog === "delete" && (
        <ConfirmDialog
          title="Delete this message?"
          text="It is deleted for everybody. Its place stays."
          action="Delete"
          onConfirm={() => room.changes.add(message.id, conversation.delete(message.id))}
          onClose={close}
        />
      )}
      {dialog && dialog !== "delete" && (
        <Later
          show={({ ReceiptsDialog, MessageMenu }) =>
            dialog === "receipts" ? (
              <ReceiptsDialog message={message} onClose={close} />
            ) : (
              <MessageMenu room={room} message={message} anchor={dialog} onClose={close} />
            )
          }
          onFail={close}
        />
      )}
    </>
  );
}

/** Calls with the button that was pressed. */
function by(open: (button: HTMLElement) => void) {
  return ({ currentTarget }: MouseEvent) => {
    if (currentTarget instanceof HTMLElement) open(currentTarget);
  };
}

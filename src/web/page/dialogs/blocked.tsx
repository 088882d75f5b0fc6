import { useEffect } from "preact/hooks";
import { blocksOf } from "../model/blocks.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { ConfirmDialog } from "./confirm.tsx";
import { Dialog } from "./dialog.tsx";

/** Whom the user has blocked, to unblock them. */
export function BlockedDialog({ onClose }: { onClose: () => void }) {
  const blocks = blocksOf(useSession());
  const all = blocks.all.value;
  useEffect(() => void blocks.load(), []);
  return (
    <Dialog title="Blocked people" onClose={onClose}>
      <ul class="people" aria-label="Blocked people">
        {all?.map(({ userId, name }) => (
          <li key={userId} class="member">
            <Avatar id={userId} name={name ?? userId} size="small" />
            <span>{name ?? userId}</span>
            <button
              type="button"
              aria-label={`Unblock ${name ?? userId}`}
              onClick={() => void blocks.unblock(userId, name ?? userId)}
            >
              Unblock
            </button>
          </li>
        ))}
      </ul>
      {all === undefined && <p class="empty">Loading…</p>}
      {all?.length === 0 && (
        <p class="empty">
          Nobody. The menu of a message or of a person blocks whoever it is about.
        </p>
      )}
    </Dialog>
  );
}

/** Asks before somebody is blocked. */
export function BlockDialog(props: { userId: string; name: string; onClose: () => void }) {
  const { userId, name, onClose } = props;
  const blocks = blocksOf(useSession());
  return (
    <ConfirmDialog
      title={`Block ${name}?`}
      text="You cannot write to each other any more. In groups and channels you do not see what they write. They are not told."
      action="Block"
      onConfirm={() => void blocks.block(userId, name)}
      onClose={onClose}
    />
  );
}

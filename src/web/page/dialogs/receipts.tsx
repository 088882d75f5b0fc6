import { useEffect, useState } from "preact/hooks";
import type { WireMessage } from "../../../client/received.ts";
import type { Receipt } from "../../../client/rest.ts";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Dialog } from "./dialog.tsx";

/** Who has read a message, and when. */
export function ReceiptsDialog(props: { message: WireMessage; onClose: () => void }) {
  const { rest, people } = useSession();
  const [receipts, setReceipts] = useState<readonly Receipt[]>();
  useEffect(() => {
    rest.receipts(props.message.id, { pageSize: 500 }).then((found) => {
      people.want(found.map(({ userId }) => userId));
      setReceipts(found);
    }, complain);
  }, []);
  return (
    <Dialog title="Seen by" onClose={props.onClose}>
      <ul class="people" aria-label="Readers">
        {receipts?.map(({ userId, readAt }) => (
          <li key={userId} class="member">
            <Avatar id={userId} name={people.nameOf(userId)} size="small" />
            <span>{people.nameOf(userId)}</span>
            <time class="faint" dateTime={readAt}>
              {momentOf(new Date(readAt))}
            </time>
          </li>
        ))}
      </ul>
      {receipts?.length === 0 && <p class="empty">Nobody has seen it yet.</p>}
      {receipts === undefined && <p class="empty">Loading…</p>}
    </Dialog>
  );
}

import { useState } from "preact/hooks";
import type { Entry } from "../model/entry.ts";
import { complain } from "../model/notices.ts";
import { close, openId } from "../model/route.ts";
import { useSession } from "./context.ts";

/** Accepts or declines a contact request. Whoever sent it is not told that it was declined. */
export function RequestButtons({ entry: { id, title } }: { entry: Entry }) {
  const { rest } = useSession();
  const [isBusy, setBusy] = useState(false);
  const answer = (work: Promise<unknown>, isOver: boolean) => {
    setBusy(true);
    work
      .then(() => isOver && openId.value === id && close(), complain)
      .finally(() => setBusy(false));
  };
  return (
    <div class="buttons">
      <button
        type="button"
        aria-label={`Decline ${title}`}
        disabled={isBusy}
        onClick={() => answer(rest.declineRequest(id), true)}
      >
        Decline
      </button>
      <button
        type="button"
        class="primary"
        aria-label={`Accept ${title}`}
        disabled={isBusy}
        onClick={() => answer(rest.acceptRequest(id), false)}
      >
        Accept
      </button>
    </div>
  );
}

/** What a contact request is, above the composer of its conversation. */
export function RequestBar({ id }: { id: string }) {
  const { inbox } = useSession();
  const entry = inbox.entries.value.find((one) => one.id === id);
  if (!entry?.isRequest) return null;
  return (
    <section class="request-bar" aria-label="Contact request">
      <p>You have nothing in common yet. They do not see that you have read this.</p>
      <RequestButtons entry={entry} />
    </section>
  );
}

import { announced, notice } from "../model/notices.ts";
import { IconButton } from "./icon.tsx";

/** What went wrong. A dialog that is open has one of its own: it covers the page's. */
export function Notice() {
  return (
    <div class="notices" role="alert">
      {notice.value !== undefined && (
        <p class="notice">
          <span>{notice.value}</span>
          <IconButton
            icon="close"
            label="Dismiss"
            onClick={() => {
              notice.value = undefined;
            }}
          />
        </p>
      )}
    </div>
  );
}

/** What only screen readers are told. */
export function Announcements() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {announced.value}
    </div>
  );
}

import { announced, notice } from "../model/notices.ts";
import { IconButton } from "./icon.tsx";

/** Error messages. An open dialog shows its own, because it covers the page's. */
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

/** Announcements for screen readers only. */
export function Announcements() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {announced.value}
    </div>
  );
}

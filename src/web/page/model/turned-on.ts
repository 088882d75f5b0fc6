/** How the server notifies: `push`, to browsers as well; `webhook`; absent: nothing of it is shown. */
export const notifiesBy = document.querySelector<HTMLMetaElement>(
  "meta[name=notifications]",
)?.content;

export function keyOf(userId: string): string {
  return `parley:push:${userId}`;
}

/** Whether a user has turned on notifications in this browser, and the browser still permits them. */
export function isTurnedOn(userId: string): boolean {
  try {
    return localStorage.getItem(keyOf(userId)) !== null && Notification.permission === "granted";
  } catch {
    // Storage is unavailable, or the browser has no notifications.
    return false;
  }
}

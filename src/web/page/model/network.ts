import { signal } from "@preact/signals";

/** Whether the browser reports a network, which does not mean that it works. */
export const hasNetwork = signal(navigator.onLine);
/** Whether the page is visible. */
export const isVisible = signal(document.visibilityState === "visible");

addEventListener("online", () => {
  hasNetwork.value = true;
});
addEventListener("offline", () => {
  hasNetwork.value = false;
});
document.addEventListener("visibilitychange", () => {
  isVisible.value = document.visibilityState === "visible";
});

import { signal } from "@preact/signals";

/** Whether the browser says that there is a network. That there is one does not mean that it works. */
export const hasNetwork = signal(navigator.onLine);
/** Whether the page can be seen. */
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

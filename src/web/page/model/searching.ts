import { signal } from "@preact/signals";

/** Whether the search is open, and at first over everything or over the open conversation alone. */
export const searching = signal<"everywhere" | "here" | undefined>(undefined);

/** Opens the search on Ctrl+K or ⌘K, unless a dialog is open, until the returned function is called. */
export function searchOnKey(): () => void {
  const press = (event: KeyboardEvent) => {
    const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
    if (key.toLowerCase() !== "k" || ctrlKey === metaKey || shiftKey || altKey) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) searching.value = "everywhere";
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

/** Moves the focus from message to message by the arrow keys, Home and End. */
export function moveAmongMessages(event: KeyboardEvent): void {
  const { target, key } = event;
  if (!(target instanceof HTMLElement) || !target.matches("[data-message]")) return;
  const all = [...document.querySelectorAll<HTMLElement>("[data-message]")];
  const at = all.indexOf(target);
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[key];
  const next = to === undefined ? undefined : all[to];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** Brings a message into view and has it stand out for a moment; false when it is not loaded. */
export function show(messageId: string): boolean {
  const element = document.getElementById(messageId);
  if (!element) return false;
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.classList.add("stands-out");
  element.addEventListener("animationend", () => element.classList.remove("stands-out"), {
    once: true,
  });
  return true;
}

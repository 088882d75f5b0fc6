import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";

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

/**
 * Marks the message that contains the focus, to show its tools. `:focus-within` would hide them while the
 * focus moves to one of them, and lose it.
 */
export function markFocused({ type, target, relatedTarget }: FocusEvent): void {
  const message =
    type === "focusin" && target instanceof Element && target.closest("[data-message]");
  const next = type === "focusout" && relatedTarget;
  if (next instanceof Element && next.closest("[data-message]")) return;
  for (const one of document.querySelectorAll("[data-focused]")) {
    if (one !== message) one.removeAttribute("data-focused");
  }
  if (!message) return;
  const byKeyboard = target.matches(":focus-visible");
  message.setAttribute("data-focused", byKeyboard ? "by-keyboard" : "by-pointer");
}

/** Scrolls to a message and highlights it for a moment; loads older ones until it is there. */
export function reveal(room: Room, messageId: string): void {
  const search = async () => {
    while (!show(messageId) && room.hasOlder) {
      await room.loadOlder();
      // After it has rendered.
      await new Promise(requestAnimationFrame);
    }
  };
  search().catch(complain);
}

/** False when the message is not loaded. */
function show(messageId: string): boolean {
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

import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { openId } from "../model/route.ts";

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

/** Frames in which a message that was loaded must have been rendered. */
const SOON = 60;

/** Scrolls to a message and highlights it for a moment; what is around it is loaded if it is not there. */
export function reveal(room: Room, messageId: string): void {
  const frame = () => new Promise(requestAnimationFrame);
  const search = async () => {
    // A dialog that is closed returns the focus first.
    await frame();
    if (openId.peek() === room.id && show(messageId)) return;
    await room.lookAt(messageId);
    for (let left = SOON; left > 0 && openId.peek() === room.id; left--) {
      await frame();
      if (show(messageId)) return;
    }
  };
  room.isSeeking.value = true;
  search()
    .catch(complain)
    .finally(() => {
      room.isSeeking.value = false;
    });
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

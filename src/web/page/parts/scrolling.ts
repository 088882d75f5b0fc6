/** Tolerance at the end of a list that grows upwards (`column-reverse`), in pixels. */
const NEAR_END = 60;

/** `scrollTop` is 0 at the end and negative above it. */
export function isEnd(scroller: HTMLElement | null): boolean {
  return scroller !== null && -scroller.scrollTop < NEAR_END;
}

/** The first visible message, and the distance from its top to the end. */
export function anchorIn(scroller: HTMLElement | null) {
  if (!scroller) return undefined;
  const { top } = scroller.getBoundingClientRect();
  const messages = [...scroller.querySelectorAll<HTMLElement>("[data-message]")];
  const message = messages.find((one) => one.getBoundingClientRect().bottom > top);
  return message && { message, below: belowOf(message) };
}

/** How far the top of a message is from the end of the list, wherever the list is scrolled to. */
export function belowOf(message: HTMLElement): number {
  const end = message.closest(".rows")?.getBoundingClientRect().bottom ?? 0;
  return end - message.getBoundingClientRect().top;
}

/** Whether an element is visible in its list. */
export function isInView(scroller: HTMLElement | null, selector: string): boolean {
  const part = scroller?.querySelector(selector)?.getBoundingClientRect();
  const view = scroller?.getBoundingClientRect();
  return !!part && !!view && part.bottom > view.top && part.top < view.bottom;
}

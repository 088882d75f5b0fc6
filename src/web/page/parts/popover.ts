/** Shows a popover above its button, or below where there is no room, and focuses its first button. */
export function showBeside(popover: HTMLElement, anchor: HTMLElement): void {
  popover.showPopover();
  const button = anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const left = Math.min(Math.max(8, button.left - width / 2), innerWidth - width - 8);
  const top = button.top - height - 6 > 8 ? button.top - height - 6 : button.bottom + 6;
  popover.style.left = `${left}px`;
  popover.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
  popover.querySelector("button")?.focus();
}

import { useLayoutEffect, useRef } from "preact/hooks";
import { EMOJIS } from "../../../domain/reaction.ts";

/** Emojis per row of the picker. */
const IN_A_ROW = 5;
const STEPS: Partial<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -IN_A_ROW,
  ArrowDown: IN_A_ROW,
};

interface Props {
  /** The button that opened it. */
  anchor: HTMLElement;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

/** The emoji picker. Escape or a press outside closes it. */
export function EmojiPicker({ anchor, onPick, onClose }: Props) {
  const popover = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = popover.current;
    if (!element) return;
    element.showPopover();
    const button = anchor.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, button.left - width / 2), innerWidth - width - 8);
    const top = button.top - height - 6 > 8 ? button.top - height - 6 : button.bottom + 6;
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
    element.querySelector("button")?.focus();
  }, []);
  const pick = (emoji: string) => {
    popover.current?.hidePopover();
    onPick(emoji);
  };
  const move = (event: KeyboardEvent) => {
    const all = [...(popover.current?.querySelectorAll("button") ?? [])];
    const at = all.findIndex((button) => button.matches(":focus"));
    const step = STEPS[event.key];
    if (step === undefined || at < 0) return;
    event.preventDefault();
    all[at + step]?.focus();
  };
  return (
    <div
      ref={popover}
      class="emoji-picker"
      popover="auto"
      role="dialog"
      aria-label="Choose a reaction"
      onKeyDown={move}
      onToggle={(event) => {
        if (event.newState !== "closed") return;
        onClose();
        anchor.focus();
      }}
    >
      {EMOJIS.map((emoji) => (
        <button key={emoji} type="button" aria-label={emoji} onClick={() => pick(emoji)}>
          {emoji}
        </button>
      ))}
    </div>
  );
}

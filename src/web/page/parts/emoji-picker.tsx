import { useLayoutEffect, useRef } from "preact/hooks";
import { EMOJIS } from "../../../domain/reaction.ts";
import { showBeside } from "./popover.ts";

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
    if (popover.current) showBeside(popover.current, anchor);
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

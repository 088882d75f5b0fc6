import { useLayoutEffect, useRef } from "preact/hooks";
import { showBeside } from "../parts/popover.ts";

export interface MenuItem {
  label: string;
  /** Whether it takes something from somebody. */
  isHarsh: boolean;
  /** What it does; whoever shows the menu removes it. */
  onPick: () => void;
}

interface Props {
  label: string;
  items: readonly MenuItem[];
  /** The button that opened it. */
  anchor: HTMLElement;
  /** It was closed without a choice. */
  onClose: () => void;
}

/** A menu with arrow keys. Escape, Tab or a press outside closes it. */
export function Menu({ label, items, anchor, onClose }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  const isPicked = useRef(false);
  useLayoutEffect(() => {
    if (menu.current) showBeside(menu.current, anchor);
  }, []);
  const pick = ({ onPick }: MenuItem) => {
    isPicked.current = true;
    menu.current?.hidePopover();
    onPick();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Tab") menu.current?.hidePopover();
    const all = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = all.findIndex((button) => button.matches(":focus"));
    const count = all.length;
    const places = { ArrowUp: at + count - 1, ArrowDown: at + 1, Home: 0, End: count - 1 };
    const to = new Map(Object.entries(places)).get(event.key);
    if (to === undefined) return;
    event.preventDefault();
    all[to % count]?.focus();
  };
  return (
    <div
      ref={menu}
      class="menu"
      popover="auto"
      role="menu"
      aria-label={label}
      onKeyDown={press}
      onToggle={({ newState }) => {
        if (newState !== "closed" || isPicked.current) return;
        onClose();
        anchor.focus();
      }}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={item.isHarsh ? "is-harsh" : ""}
          onClick={() => pick(item)}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "../parts/icon.tsx";
import { Notice } from "../parts/notices.tsx";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A modal dialog: the focus stays inside until Escape or a press outside closes it. */
export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const isBeside = ({ target }: Event) => target === dialog.current;
  // Selecting text and releasing outside the dialog is not a press outside.
  const beganBeside = useRef(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    return () => {
      // While it is open, nothing behind it can take the focus.
      element?.close();
      if (!(before instanceof HTMLElement)) return;
      before.focus();
      // A message's tools are hidden by now; the message itself is not.
      if (document.activeElement !== before) before.closest<HTMLElement>("[tabindex]")?.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same, by itself
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onClose={onClose}
      onPointerDown={(event) => {
        beganBeside.current = isBeside(event);
      }}
      onClick={(event) => {
        if (beganBeside.current && isBeside(event)) dialog.current?.close();
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={titleId}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
        </header>
        {children}
        <Notice />
      </div>
    </dialog>
  );
}

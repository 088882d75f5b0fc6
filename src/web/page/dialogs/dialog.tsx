import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "../parts/icon.tsx";
import { Notice } from "../parts/notices.tsx";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A modal dialog: the focus stays in it until Escape, or a press beside it, closes it. */
export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const isBeside = ({ target }: Event) => target === dialog.current;
  // Who marks text and lets go beside the dialog means no press beside it.
  const beganBeside = useRef(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    return () => {
      // As long as it is open, nothing behind it takes the focus.
      element?.close();
      if (!(before instanceof HTMLElement)) return;
      before.focus();
      // What a message shows while one is at it is hidden by now; the message is not.
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

import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

/** Shown to users who are not signed in. */
export function Welcome({ hint, children }: { hint: string; children: ComponentChildren }) {
  return (
    <main class="welcome">
      <div class="welcome-card">
        <span class="logo">
          <Icon name="logo" />
        </span>
        <h1>Parley</h1>
        <p class="hint">{hint}</p>
        {children}
      </div>
    </main>
  );
}

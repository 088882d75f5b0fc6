import type { ComponentChildren } from "preact";
import { Icon } from "./icon.tsx";

/** What is shown to those who are nobody yet. */
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

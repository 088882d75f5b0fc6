import { render } from "preact";
import type { SignIn } from "./model/identity.ts";
import { keepPage } from "./parts/dropping.ts";
import { Page } from "./parts/page.tsx";

/** Renders the page for the signed-in user. */
export function start(signIn: SignIn): void {
  const root = document.getElementById("page");
  if (!root) throw new Error("the document has no place for the page");
  keepPage();
  root.replaceChildren();
  render(<Page signIn={signIn} />, root);
}

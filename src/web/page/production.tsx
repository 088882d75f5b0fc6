import "./jitless.ts";
import { useState } from "preact/hooks";
import type { Identity, SignIn } from "./model/identity.ts";
import { personOf } from "./model/token.ts";
import { Welcome } from "./parts/welcome.tsx";
import { start } from "./start.tsx";

/** Without an identity provider in front of the page, users paste a token. */

const REMEMBERED = "parley:token";

const signIn: SignIn = {
  remembered: async () => identityOf(sessionStorage.getItem(REMEMBERED) ?? ""),
  forget: () => sessionStorage.removeItem(REMEMBERED),
  Form: TokenForm,
};

function TokenForm({ onDone }: { onDone: (identity: Identity) => void }) {
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const identity = identityOf(text.trim());
    setWrong(!identity);
    if (!identity) return;
    sessionStorage.setItem(REMEMBERED, text.trim());
    onDone(identity);
  };
  return (
    <Welcome hint="Sign in with an access token of your identity provider.">
      <form class="stack" onSubmit={submit}>
        <label for="token">Access token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          required
          value={text}
          aria-invalid={isWrong}
          aria-describedby="token-problem"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <p id="token-problem" class="problem" role="alert">
          {isWrong ? "This is no token, or one that has expired." : ""}
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </Welcome>
  );
}

/** The user of a token, read as the server reads it. */
function identityOf(token: string): Identity | undefined {
  const person = personOf(token, claimOf("user"), Date.now(), claimOf("role"));
  return person && { ...person, token: async () => token, suggestions: [] };
}

/** The claim that a setting of the server names. */
function claimOf(what: "user" | "role"): string | undefined {
  return document.querySelector<HTMLMetaElement>(`meta[name=${what}-claim]`)?.content;
}

start(signIn);

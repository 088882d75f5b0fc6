import "./jitless.ts";
import { useState } from "preact/hooks";
import * as z from "zod";
import type { Identity, SignIn } from "./model/identity.ts";
import { Welcome } from "./parts/welcome.tsx";
import { start } from "./start.tsx";

/** Where there is no identity provider's page in front of this one, one brings one's own token. */

const REMEMBERED = "parley:token";

const claims = z.object({
  sub: z.string().optional(),
  nameid: z.string().optional(),
  name: z.string().optional().catch(undefined),
  exp: z.number(),
});

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

/** Who a token is of: only the server can tell whether it is good. */
function identityOf(token: string): Identity | undefined {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const { sub, nameid, name, exp } = claims.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const id = sub ?? nameid;
    if (id === undefined || exp * 1_000 <= Date.now()) return undefined;
    return { id, name: name ?? id, token: async () => token, suggestions: [] };
  } catch {
    return undefined;
  }
}

start(signIn);

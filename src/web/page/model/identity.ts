/** Somebody who can be written to. */
export interface Someone {
  id: string;
  name: string;
}

/** Who uses the page, and where their tokens come from. */
export interface Identity extends Someone {
  /** A token that is good now; called again when the server no longer takes the last one. */
  token: () => Promise<string>;
  /** People to begin with. */
  suggestions: readonly Someone[];
}

/** A way to become somebody: what is shown to those who are nobody yet. */
export interface SignIn {
  /** Whoever was here before in this tab. */
  remembered: () => Promise<Identity | undefined>;
  forget: () => void;
  /** Calls back with who it is; shows nothing before it is complete. */
  Form: (props: { onDone: (identity: Identity) => void }) => preact.JSX.Element | null;
}

/** A person who can be messaged. */
export interface Someone {
  id: string;
  name: string;
}

/** The signed-in user and the source of their tokens. */
export interface Identity extends Someone {
  /** A valid token; called again when the server rejects the last one. */
  token: () => Promise<string>;
  /** When the only token expires, in milliseconds since the epoch; absent: there is always another one. */
  expiresAt?: number;
  /** Whether their role lets them moderate the platform. */
  isStaff: boolean;
  /** People to suggest. */
  suggestions: readonly Someone[];
}

/** A way to sign in, shown to users who are not signed in. */
export interface SignIn {
  /** The user who was signed in before in this tab. */
  remembered: () => Promise<Identity | undefined>;
  forget: () => void;
  /** Calls back with the signed-in user; renders only when it is complete. */
  Form: (props: { onDone: (identity: Identity) => void }) => preact.JSX.Element | null;
}

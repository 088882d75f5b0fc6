import type { Directory } from "../directory/directory.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import type { LinkTo } from "../live/wire.ts";
import type { Timing } from "./timing.ts";

/** The context of every handler. */
export interface EdgeEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    settings: Settings;
    timing: Timing;
    /** Signs a link to a file. */
    linkTo: LinkTo;
    /** Set by `authenticate`. */
    actor: Actor;
    /** Resolves once the caller is stored in the directory; never rejects. */
    userKnown: Promise<void>;
    /** D1 in this request's session. Use it after `userKnown`. */
    directory: Directory;
  };
}

import type { Directory } from "../directory/directory.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env, Settings } from "../env.ts";
import type { LinkTo } from "../live/wire.ts";
import type { Timing } from "./timing.ts";

/** What every handler finds in its context. */
export interface EdgeEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    settings: Settings;
    timing: Timing;
    /** Signs a link to a file that the caller may read. */
    linkTo: LinkTo;
    /** Set by `authenticate`. */
    actor: Actor;
    /** Resolves once the caller is known to the directory; never rejects. */
    userKnown: Promise<void>;
    /** D1 as this request may read it. Use it after `met`. */
    directory: Directory;
  };
}

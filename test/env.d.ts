import type { D1Migration } from "cloudflare:test";
import type { Env as ParleyEnv } from "../src/env.ts";
import type worker from "../src/index.ts";

declare global {
  namespace Cloudflare {
    interface Env extends ParleyEnv {
      MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: { default: typeof worker };
    }
  }
}

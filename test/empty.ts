import { reset } from "cloudflare:test";

/** What the files before have stored is deleted: for tests that look at everything there is. */
await reset();

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** The page in a real browser, against a server as `npm start` starts it: `npm run test:browser`. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    name: "browser",
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/browser/server.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One server and, on small machines, few processors: parallel files would only take turns.
    maxWorkers: 2,
  },
});

import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { buildPage } from "../src/cli/build.ts";
import { keepDataInMemory } from "./memory.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

keepDataInMemory();
// The Worker has the page in it; test/run.ts builds it once for its processes.
if (!process.env["PARLEY_PAGE"]) await buildPage();

/** Secrets of the tests, and what they turn off: the platform's limiter is not what they are about. */
const bindings = {
  ENVIRONMENT: "development",
  JWT_SECRET: "test-jwt-secret-0123456789abcdefghij,test-jwt-older-0123456789abcdefghij",
  ID_SECRET: "test-id-secret-0123456789abcdefghijk",
  FILES_SECRET: "test-files-secret-0123456789abcdefgh",
  REQUEST_LIMITS: "off",
  PRESENCE_DELAY_MS: "0",
  VAPID_PRIVATE_KEY: "dGVzdC12YXBpZC1wcml2YXRlLWtleS0wMTIzNDU2Nzg",
  VAPID_SUBJECT: "mailto:operator@parley.test",
};
/** A public push service, and that of test/notify. */
const ON_LOOPBACK = { PUSH_HOSTS: "fcm.googleapis.com,http://127.0.0.1" };
/** The same with the limits as they are by default. */
const LIMITED = { REQUEST_LIMITS: "on", PRESENCE_DELAY_MS: "2000" };

/** Tests of pure rules, and of whole servers. */
const IN_NODE = ["domain", "system", "chaos", "client", "browser"].map((name) => `test/${name}/**`);
/** Long ones, which are run beside the others. */
const MODELS = "test/model/**/*.test.ts";
/** Tests of the limits against abuse, which hold in them. */
const ABUSE = "test/abuse/**/*.test.ts";
/** Test files in folders. */
const inFolders = (...names: string[]) => names.map((name) => `test/${name}/**/*.test.ts`);
/** Tests of conversations' objects, their sockets and gateways: a runtime has one thread, and they are a third. */
const OBJECTS = inFolders("live", "gateway", "conversation");
/** Tests of inboxes, of what they notify of, of the before-send hook, and of the policy on all transports. */
const INBOXES = inFolders("inbox", "notify", "before-send", "policy");
/** Tests that look at everything there is: the storage is emptied before each of these files. */
const ALONE = [
  "test/admin/jobs.test.ts",
  "test/attachments/**/*.test.ts",
  "test/directory/rebuild.test.ts",
  "test/rest/marketplace/support-pool.test.ts",
];

/** Likewise; they wait until bans are known everywhere, so that they have a process of their own. */
const ERASURES = ["test/jobs/erase*.test.ts"];

/** Tests in workerd. Files share a runtime, and each test creates its own users and conversations. */
function workers(
  name: string,
  test: {
    include?: string[];
    exclude?: string[];
    setupFiles?: string[];
    globalSetup?: string[];
    sequence?: { setupFiles: "list" };
  },
  more: Record<string, string> = {},
) {
  return {
    plugins: [
      cloudflareTest(async () => ({
        wrangler: { configPath: `${root}/wrangler.toml` },
        miniflare: {
          // The local one takes points and keeps none; tests look at what it is given.
          analyticsEngineDatasets: { METRICS: { dataset: "parley" } },
          bindings: {
            ...bindings,
            ...more,
            MIGRATIONS: await readD1Migrations(`${root}/migrations`),
          },
        },
      })),
    ],
    test: {
      name,
      include: ["test/**/*.test.ts"],
      setupFiles: ["test/setup.ts"],
      isolate: false,
      ...test,
    },
  };
}

export default defineConfig({
  root,
  test: {
    testTimeout: 30_000,
    // Failures are provoked on purpose: their logs are shown where a test fails.
    silent: "passed-only",
    projects: [
      workers("workers", {
        exclude: [...IN_NODE, ...ALONE, ...ERASURES, ...OBJECTS, ...INBOXES, MODELS, ABUSE],
      }),
      workers("objects", { include: OBJECTS }),
      workers(
        "inboxes",
        {
          include: INBOXES,
          globalSetup: [
            "test/notify/host-server.ts",
            "test/notify/start-push-service.ts",
            "test/before-send/hook-server.ts",
          ],
        },
        ON_LOOPBACK,
      ),
      workers("models", { include: [MODELS] }),
      workers("alone", {
        include: ALONE,
        setupFiles: ["test/empty.ts", "test/setup.ts"],
        sequence: { setupFiles: "list" },
      }),
      workers("erasures", {
        include: ERASURES,
        setupFiles: ["test/empty.ts", "test/setup.ts"],
        sequence: { setupFiles: "list" },
      }),
      workers("abuse", { include: [ABUSE] }, LIMITED),
      {
        test: {
          name: "domain",
          include: ["test/{domain,client}/**/*.test.ts"],
          isolate: false,
        },
      },
      {
        test: {
          name: "system",
          include: ["test/system/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

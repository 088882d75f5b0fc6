import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { version } from "../../package.json";
import { lastCron, probeBucket } from "../attachments/bucket-health.ts";
import { type HEALTH_CHECKS, type Health, healthSchema } from "../contract/health.ts";
import { jsonOf } from "../contract/openapi.ts";
import { conversationOf, gatewayOf, inboxOf } from "../conversation/stub.ts";
import { directoryOf } from "../directory/directory.ts";
import { directoryHealth, NEWEST_MIGRATION } from "../directory/health.ts";
import type { EdgeEnv } from "../edge/context.ts";
import type { Env, Settings } from "../env.ts";
import { jobObject } from "../jobs/api.ts";
import { PROTOCOL } from "../live/version.ts";
import { isoTime } from "../live/wire.ts";
import { log } from "../logging.ts";

/** How long one part may take to answer. */
const PATIENCE_MS = 5_000;
/** The name of objects that are asked whether they answer. None of them stores anything. */
const PROBE = "health";

type CheckName = (typeof HEALTH_CHECKS)[number];

const health = createRoute({
  method: "get",
  path: "/health",
  operationId: "examineDeployment",
  summary: "How the deployment is",
  description:
    "Uses each part once: D1 is read, an object is written to R2, read and deleted, and objects are called " +
    "that store nothing. `npm run doctor` explains the answer.",
  responses: { 200: jsonOf("What was found", healthSchema) },
});

/** `GET /api/admin/health`: answers also while parts of the deployment do not. */
export function healthRoute(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(health, async (c) => {
    const { env } = c;
    const { userId, role } = c.get("actor");
    let found: Awaited<ReturnType<typeof directoryHealth>> | undefined;
    let cron: Date | undefined;
    const checks = await Promise.all([
      looked(c, "d1", async () => {
        found = await directoryHealth(directoryOf(env.DB));
      }),
      looked(c, "r2", async () => {
        await probeBucket(env.FILES);
        cron = await lastCron(env.FILES);
      }),
      looked(c, "conversations", () => conversationOf(env, PROBE).voidClaim(PROBE)),
      looked(c, "inboxes", () => inboxOf(env, userId).connection()),
      looked(c, "gateways", () =>
        Promise.all([
          gatewayOf(env, "socketio", PROBE).isSubscribed(PROBE),
          gatewayOf(env, "signalr", PROBE).isSubscribed(PROBE),
        ]),
      ),
      looked(c, "jobs", () => jobObject(env, PROBE).view()),
    ]);
    const { ENVIRONMENT: environment } = c.get("settings");
    return c.json(
      {
        ...{ version, protocol: PROTOCOL, environment, checks },
        time: isoTime(Date.now()),
        caller: { userId, role },
        settings: shown(c.get("settings"), env),
        database: {
          time: found ? isoTime(found.time) : null,
          newestMigration: NEWEST_MIGRATION,
          appliedMigration: found?.appliedMigration ?? null,
        },
        cron: { finishedAt: cron?.toISOString() ?? null },
      },
      200,
    );
  });
}

/** Uses a part of the deployment; never rejects. */
async function looked(
  c: Context<EdgeEnv>,
  name: CheckName,
  use: () => Promise<unknown>,
): Promise<Health["checks"][number]> {
  const begun = Date.now();
  const took = () => Date.now() - begun;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"timeout">((resolve) => {
    timer = setTimeout(() => resolve("timeout"), PATIENCE_MS);
  });
  try {
    const outcome = await Promise.race([use().then(() => "ok" as const), late]);
    return { name, outcome, milliseconds: took() };
  } catch (error) {
    log("health_check_failed", { requestId: c.get("requestId"), check: name, error });
    return { name, outcome: "failed", milliseconds: took() };
  } finally {
    clearTimeout(timer);
  }
}

/** What an admin may know of the settings: no secret. */
function shown(settings: Settings, env: Env): Health["settings"] {
  const { JWT_SECRET = [], ID_SECRET, FILES_SECRET } = settings;
  const secrets = [...JWT_SECRET, ID_SECRET, ...FILES_SECRET];
  return {
    publicUrl: settings.PUBLIC_URL ?? null,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    jurisdiction: settings.JURISDICTION ?? null,
    tokens: settings.JWT_JWKS_URL ? "keys" : "secret",
    issuer: settings.JWT_ISSUER !== undefined,
    audience: settings.JWT_AUDIENCE !== undefined,
    requestLimits: settings.REQUEST_LIMITS,
    distinctSecrets: new Set(secrets).size === secrets.length,
    push: settings.VAPID_PRIVATE_KEY !== undefined,
    webhook: settings.NOTIFY_URL !== undefined,
    beforeSendHook: settings.MODERATION_URL !== undefined,
    metrics: env.METRICS !== undefined,
  };
}

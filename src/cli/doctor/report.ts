import { z } from "zod";
import { type Deployment, isLocal } from "./deployment.ts";
import { error, type Finding, note, ok, warning } from "./finding.ts";

/** What the answer of `GET /api/admin/health` means. */

/** Of a server that may be older or newer than this folder. */
export const reportSchema = z.object({
  version: z.string(),
  environment: z.string(),
  time: z.string(),
  caller: z.object({ userId: z.string(), role: z.string() }),
  settings: z.object({
    publicUrl: z.string().nullable(),
    allowedOrigins: z.array(z.string()),
    jurisdiction: z.string().nullable(),
    tokens: z.string(),
    issuer: z.boolean(),
    audience: z.boolean(),
    requestLimits: z.boolean(),
    distinctSecrets: z.boolean(),
    metrics: z.boolean(),
  }),
  checks: z.array(z.object({ name: z.string(), outcome: z.string(), milliseconds: z.number() })),
  database: z.object({
    time: z.string().nullable(),
    newestMigration: z.string(),
    appliedMigration: z.string().nullable(),
  }),
  cron: z.object({ finishedAt: z.string().nullable() }),
});
export type Report = z.infer<typeof reportSchema>;

/** What this folder would deploy. */
export interface Folder {
  version: string;
  newestMigration: string;
}

/** Times between which the answer was made, by this computer's clock. */
export interface Asked {
  from: number;
  to: number;
}

/** The cron runs once an hour; it may be late. */
const MAX_CRON_AGE_MS = 150 * 60_000;
/** Above it, times of messages and ends of tokens are off. */
const MAX_SKEW_MS = 10_000;

/** What to do where a part does not answer. */
const MENDS: Record<string, string> = {
  d1: "Look for health_check_failed in the log, and at Cloudflare's status; if the database is gone: docs/operations.md, A lost D1.",
  r2: "Look for health_check_failed in the log; check that the bucket of wrangler.toml exists (npx wrangler r2 bucket list).",
};
const OBJECT_MEND =
  "Look for health_check_failed in the log; check [[migrations]] of wrangler.toml, and that JURISDICTION was never changed.";

/** Judges a report. */
export function judged(
  report: Report,
  deployment: Deployment,
  folder: Folder,
  asked: Asked,
): Finding[] {
  return [
    versionOf(report, folder),
    ...report.checks.map(checkOf),
    migrationsOf(report, folder),
    ...addressesOf(report, deployment),
    ...securityOf(report, deployment),
    ...clocksOf(report, asked),
    cronOf(report),
    report.settings.metrics
      ? ok("metrics", "METRICS is bound.")
      : note(
          "metrics",
          "There are no metrics: METRICS is not bound.",
          "Optional: docs/operations.md, Metrics.",
        ),
  ];
}

function versionOf({ version }: Report, folder: Folder): Finding {
  if (version === folder.version) return ok("version", `It runs ${version}, as this folder has.`);
  return warning(
    "version_differs",
    `It runs ${version}, and this folder has ${folder.version}.`,
    "Deploy this folder, or check the deployment with the folder that was deployed.",
  );
}

function checkOf({ name, outcome, milliseconds }: Report["checks"][number]): Finding {
  if (outcome === "ok") return ok(name, `It answers, in ${milliseconds} ms.`);
  const what = outcome === "timeout" ? "does not answer in time" : "fails";
  return error(`${name}_failed`, `${name} ${what}.`, MENDS[name] ?? OBJECT_MEND);
}

function migrationsOf({ database }: Report, folder: Folder): Finding {
  const { appliedMigration: applied, newestMigration: newest } = database;
  if (applied === null) {
    return note("migrations", "D1 does not say which migrations it has.");
  }
  if (applied < newest) {
    return error(
      "migrations_pending",
      `D1 has ${applied}, and the Worker needs ${newest}.`,
      "npm run deploy, which applies them; or npx wrangler d1 migrations apply DB --remote.",
    );
  }
  if (newest < folder.newestMigration) {
    return warning(
      "older_than_folder",
      `The Worker knows ${newest}, and this folder has ${folder.newestMigration}.`,
      "npm run deploy.",
    );
  }
  return ok("migrations", `D1 has ${applied}.`);
}

function addressesOf({ settings }: Report, deployment: Deployment): Finding[] {
  const { publicUrl, allowedOrigins, jurisdiction } = settings;
  const { origin } = deployment;
  const findings: Finding[] = [];
  if (publicUrl === null && !isLocal(deployment)) {
    findings.push(
      error("no_public_url", "PUBLIC_URL is not set.", `Set it to "${origin}", and deploy.`),
    );
  } else if (publicUrl !== null && publicUrl !== origin) {
    findings.push(
      warning(
        "public_url_differs",
        `Links begin with PUBLIC_URL, ${publicUrl}, and not with this address.`,
        `If users come to ${origin}, set PUBLIC_URL to it; otherwise give the doctor that address.`,
      ),
    );
  } else findings.push(ok("public_url", "Links begin with this address."));
  const page = publicUrl ?? origin;
  if (allowedOrigins.includes("*")) {
    findings.push(
      warning(
        "any_origin",
        "ALLOWED_ORIGINS is *: every page may call.",
        "Name the pages that may.",
      ),
    );
  } else if (allowedOrigins.length > 0 && !allowedOrigins.includes(page)) {
    findings.push(
      warning(
        "page_not_allowed",
        `ALLOWED_ORIGINS does not have ${page}, so Parley's own page cannot connect.`,
        "Add it, unless nobody uses that page.",
      ),
    );
  } else {
    const names = allowedOrigins.length > 0 ? allowedOrigins.join(", ") : "its own";
    findings.push(ok("origins", `Pages that may call: ${names}.`));
  }
  findings.push(
    ok("jurisdiction", `Conversations are kept ${jurisdiction ?? "near their creators"}.`),
  );
  return findings;
}

function securityOf({ environment, settings }: Report, deployment: Deployment): Finding[] {
  const findings: Finding[] = [];
  if (environment === "development" && !isLocal(deployment)) {
    findings.push(
      error(
        "development",
        "ENVIRONMENT is development: its secrets are known to everybody.",
        "Remove it from the variables, set the three secrets, and deploy.",
      ),
    );
  }
  if (settings.distinctSecrets) findings.push(ok("secrets", "The secrets are set, and differ."));
  else {
    findings.push(
      warning(
        "shared_secrets",
        "The same secret is used for two purposes: who learns one knows both.",
        "Change FILES_SECRET or JWT_SECRET, never ID_SECRET: docs/operations.md, A stolen secret.",
      ),
    );
  }
  if (settings.tokens === "keys" && !(settings.issuer && settings.audience)) {
    findings.push(
      warning(
        "issuer_unchecked",
        "Tokens that your identity provider signs for other applications are accepted.",
        "Set JWT_ISSUER and JWT_AUDIENCE.",
      ),
    );
  }
  if (!settings.requestLimits) {
    const mend = "Remove REQUEST_LIMITS from wrangler.toml: it is for tests.";
    findings.push(warning("limits_off", "The limits against abuse are off.", mend));
  }
  return findings;
}

function clocksOf({ time, database }: Report, { from, to }: Asked): Finding[] {
  const worker = Date.parse(time);
  const skew = worker < from ? worker - from : Math.max(0, worker - to);
  const findings = [
    Math.abs(skew) > MAX_SKEW_MS
      ? warning(
          "clock_skew",
          `The Worker's clock differs from this computer's by ${Math.round(skew / 1_000)} s.`,
          "Set this computer's by NTP, and that of whatever signs your tokens.",
        )
      : ok("worker_clock", "The Worker's clock is this computer's."),
  ];
  if (database.time === null) return findings;
  const apart = Date.parse(database.time) - worker;
  findings.push(
    Math.abs(apart) > MAX_SKEW_MS
      ? warning(
          "database_clock_skew",
          `D1's clock differs from the Worker's by ${Math.round(apart / 1_000)} s.`,
          "Run it again; if it stays, tell Cloudflare.",
        )
      : ok("database_clock", "D1's clock is the Worker's."),
  );
  return findings;
}

function cronOf({ cron, time }: Report): Finding {
  const mend =
    "Check [triggers] of wrangler.toml, and the log for a cron that fails: files that nobody sent stay, and archives are not removed.";
  if (cron.finishedAt === null) {
    return warning(
      "cron_never",
      "The cron has not come to its end yet.",
      `It runs hourly. ${mend}`,
    );
  }
  const minutes = Math.round((Date.parse(time) - Date.parse(cron.finishedAt)) / 60_000);
  if (minutes * 60_000 <= MAX_CRON_AGE_MS) {
    return ok("cron", `The cron came to its end ${Math.max(0, minutes)} min ago.`);
  }
  return error("cron_stopped", `The cron last came to its end ${minutes} min ago.`, mend);
}

/**
 * `npm run doctor -- URL [--token TOKEN] [--json]`: checks a deployment from outside, and says what to mend.
 * The token, also as PARLEY_TOKEN, is an admin's; without one, what anybody can see is checked. Exits with 1 if
 * something has to be mended.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { lookAtToken } from "./doctor/claims.ts";
import { call, type Deployment, reasonOf, refusalOf } from "./doctor/deployment.ts";
import { error, type Finding, linesOf, note } from "./doctor/finding.ts";
import { lookFromOutside } from "./doctor/outside.ts";
import { judged, reportSchema } from "./doctor/report.ts";
import { roundTrip } from "./doctor/round-trip.ts";
import { addressOf, misused } from "./exit.ts";
import { ROOT } from "./settings.ts";

const USAGE = "[PARLEY_TOKEN=…] npm run doctor -- URL [--token TOKEN] [--json]";

const { deployment, json } = commandLine();
const findings = await examined(deployment);
const hasErrors = findings.some(({ level }) => level === "error");
if (json) console.log(JSON.stringify({ healthy: !hasErrors, findings }, null, 2));
else {
  for (const line of linesOf(findings)) console.log(line);
  const count = (level: string) => findings.filter((one) => one.level === level).length;
  console.log(`\n${count("error")} errors, ${count("warning")} warnings.`);
}
process.exitCode = hasErrors ? 1 : 0;

async function examined(deployment: Deployment): Promise<Finding[]> {
  const { findings, isUp } = await lookFromOutside(deployment);
  const { token } = deployment;
  if (token === undefined) {
    const says = "Without a token, what only admins see was not checked.";
    return [...findings, note("no_token", says, "Set PARLEY_TOKEN to the token of an admin.")];
  }
  const claims = lookAtToken(token, Date.now());
  if (!isUp) return [...findings, claims];
  const inside = await fromInside(deployment).catch((thrown) => [
    error("unreachable", `A request was not answered: ${reasonOf(thrown)}.`, "Run it again."),
  ]);
  return [...findings, claims, ...inside];
}

/** What an admin can find out. */
async function fromInside(deployment: Deployment): Promise<Finding[]> {
  const from = Date.now();
  const reply = await call(deployment, "GET", "/api/admin/health");
  const report = reportSchema.safeParse(reply.body);
  if (reply.status !== 200) return [refused(refusalOf(reply))];
  if (!report.success) {
    const says = "The server's report is of another version than this command.";
    return [error("report_unknown", says, "Run the doctor from the folder that was deployed.")];
  }
  const found = judged(report.data, deployment, folder(), { from, to: reply.at });
  return [...found, ...(await roundTrip(deployment))];
}

function refused(refusal: string): Finding {
  if (refusal.startsWith("401")) {
    return error(
      "token_refused",
      "The server does not accept the token.",
      "It has another JWT_SECRET or key, JWT_ISSUER, JWT_AUDIENCE or JWT_USER_CLAIM than whoever signed it, or has expired.",
    );
  }
  if (refusal.startsWith("403")) {
    return error(
      "token_not_admin",
      `The token is not an admin's (${refusal}).`,
      "Use one whose role is admin; JWT_ROLE_CLAIM says where the server looks for it.",
    );
  }
  if (refusal.startsWith("404")) {
    const says = "The server does not know GET /api/admin/health: it is older than this command.";
    return error("older_version", says, "npm run deploy.");
  }
  return error("no_report", `The report was refused: ${refusal}.`, "Look in the log for why.");
}

/** What this folder would deploy. */
function folder() {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")));
  const migrations = readdirSync(`${ROOT}/migrations`).filter((name) => name.endsWith(".sql"));
  return { version, newestMigration: migrations.sort().at(-1) ?? "" };
}

/** Parses the command line; prints the usage on request, and exits with it if the command line is invalid. */
function commandLine(): { deployment: Deployment; json: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        token: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(`usage: ${USAGE}`);
      process.exit(0);
    }
    const [given, ...rest] = positionals;
    if (!given || rest.length > 0) throw new Error("give the address of one server");
    const { origin } = new URL(addressOf(given));
    const token = values.token || process.env["PARLEY_TOKEN"] || undefined;
    return { deployment: { origin, token }, json: values.json };
  } catch (thrown) {
    misused(thrown, USAGE);
  }
}

/**
 * `npm run admin -- ACT [ID] [OPTIONS]`: what operators do over the admin API of a server, `--url` or PARLEY_URL,
 * with the token of an admin, `--token` or PARLEY_TOKEN. Prints tables, or JSON with `--json`.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ACTS, type Act, type Options, usageOf } from "./admin/acts.ts";
import { linesOf, tableOf } from "./admin/print.ts";
import { addressOf, Failure, failed, misused, request } from "./exit.ts";

const USAGE =
  "PARLEY_URL=… PARLEY_TOKEN=… npm run admin -- ACT [ID] [--url URL] [--token TOKEN] [--json] [--yes]; --help lists the acts";

/** Between two looks at a job. */
const LOOK_EVERY_MS = 2_000;
/** How often a request that reads is sent where the server is busy. */
const ATTEMPTS = 5;
/** Looks at a job in vain, one after the other, before that is given up. */
const MAX_MISSED = 30;
const LONGEST_WAIT_S = 60;

const refusal = z.object({
  code: z.string(),
  error: z.string(),
  details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
const list = z.object({ items: z.array(z.object({}).loose()), next: z.string().nullish() });
const withJob = z.object({
  job: z
    .object({
      id: z.string(),
      state: z.string(),
      done: z.number(),
      total: z.number().nullable(),
      error: z.string().nullish(),
    })
    .loose(),
});
type Job = z.infer<typeof withJob>["job"];

const asked = commandLine();
await carryOut().catch(failed);

async function carryOut(): Promise<void> {
  const { act, id, options } = asked;
  if (act.isFinal && !options["yes"] && !(await isConfirmed(id))) {
    throw new Failure("Nothing was done: the id was not typed. --yes does it without asking.");
  }
  const answer = await sent(act, id, options);
  if (!act.isJob) {
    shown(answer, act);
    return;
  }
  const { job } = withJob.parse(answer);
  const isAwaited = options["wait"] === true || act.name === "jobs wait";
  const last = isAwaited ? await ended(job) : job;
  shown({ job: last }, act);
  if (isAwaited && last.state !== "done") process.exitCode = 1;
}

/** Whether the id of what is about to go is typed. */
async function isConfirmed(id: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve) => {
      terminal.once("close", () => resolve(false));
      const question = `${asked.act.name} ${id} at ${asked.url}: ${asked.act.does}.\nType the id to go on: `;
      terminal.question(question, (typed) => resolve(typed.trim() === id));
    });
  } finally {
    terminal.close();
  }
}

/** The job once it has ended; its progress is written to stderr. */
async function ended(job: Job): Promise<Job> {
  const look = ACTS.find(({ name }) => name === "jobs show");
  if (!look) throw new Error("there is no act that shows a job");
  let last = job;
  let said = "";
  let missed = 0;
  while (["running", "cancelling"].includes(last.state)) {
    const line = `${last.state}: ${last.done}${last.total === null ? "" : ` of ${last.total}`}`;
    if (line !== said) console.error(line);
    said = line;
    await sleep(LOOK_EVERY_MS);
    try {
      last = withJob.parse(await sent(look, last.id, {})).job;
      missed = 0;
    } catch (error) {
      // The server is away, perhaps because it is deployed: the job goes on nevertheless.
      if (!(error instanceof Failure && error.cause) || ++missed > MAX_MISSED) throw error;
    }
  }
  return last;
}

/** Sends the request of an act; its answer, `undefined` if that has no body. Only reading is repeated. */
async function sent(act: Act, argument: string, options: Options): Promise<unknown> {
  const address = new URL(`/api/admin${act.path(argument)}`, asked.url);
  const query = act.query?.(argument || undefined, options) ?? {};
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  const body = act.body?.(options);
  const init = {
    method: act.method,
    headers: {
      Authorization: `Bearer ${asked.token}`,
      ...(body && { "Content-Type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  };
  for (let attempt = 1; ; attempt++) {
    const response = await request(address, init);
    const retryAfter = Number(response.headers.get("Retry-After"));
    const isRepeated = act.method === "GET" && attempt < ATTEMPTS && retryAfter > 0;
    if (response.ok || !isRepeated) return await answerOf(response);
    await sleep(Math.min(retryAfter, LONGEST_WAIT_S) * 1_000);
  }
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) {
    const warning = response.headers.get("Warning");
    if (warning) console.error(`Warning: ${warning}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  const said = refusal.safeParse(text.startsWith("{") ? JSON.parse(text) : undefined);
  if (!said.success) throw new Failure(`${response.status} ${text.slice(0, 500)}`);
  const { code, error, details = [] } = said.data;
  const more = details.map(({ path, message }) => `\n  ${path}: ${message}`);
  throw new Failure(`${response.status} ${code}: ${error}${more.join("")}`);
}

function shown(answer: unknown, { columns }: Act): void {
  if (asked.options["json"]) console.log(JSON.stringify(answer ?? null, null, 2));
  else if (answer === undefined) console.log("done");
  else if (!columns) console.log(linesOf(Object(answer)).join("\n"));
  else {
    const { items, next } = list.parse(answer);
    console.log(tableOf(items, columns).join("\n"));
    if (next) console.log(`there are more: --cursor ${next}`);
  }
}

/** Parses the command line; prints the usage on request, and exits with it if the command line is invalid. */
function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        url: { type: "string" },
        token: { type: "string" },
        json: { type: "boolean" },
        yes: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        ...Object.fromEntries(
          ACTS.flatMap(({ options = {} }) => Object.entries(options)).map(([name, value]) => [
            name,
            { type: value === true ? ("boolean" as const) : ("string" as const) },
          ]),
        ),
      },
    });
    const options: Options = values;
    if (options["help"]) {
      console.log(`usage: ${USAGE}\n`);
      for (const act of ACTS) console.log(`${usageOf(act)}\n    ${act.does}`);
      process.exit(0);
    }
    const [room, verb, ...rest] = positionals;
    const act = ACTS.find(({ name }) => name === `${room} ${verb}`);
    if (!act) throw new Error(`"${[room, verb].filter(Boolean).join(" ")}" is no act`);
    return { act, options, ...argumentsOf(act, rest, options), ...serverOf(options) };
  } catch (error) {
    misused(error, USAGE);
  }
}

function argumentsOf(act: Act, [id = "", ...rest]: readonly string[], options: Options) {
  if (act.argument === "ID" && id === "") throw new Error(`an id is missing: ${usageOf(act)}`);
  if (rest.length > 0 || (!act.argument && id !== "")) throw new Error(`too much: ${usageOf(act)}`);
  const known = ["url", "token", "json", "yes", ...Object.keys(act.options ?? {})];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new Error(`--${name} is not for this: ${usageOf(act)}`);
  }
  for (const name of act.needs ?? []) {
    if (!options[name]) throw new Error(`--${name} is missing: ${usageOf(act)}`);
  }
  return { id };
}

function serverOf({ url, token }: Options) {
  const address = url || process.env["PARLEY_URL"];
  const secret = token || process.env["PARLEY_TOKEN"];
  if (typeof address !== "string" || address === "")
    throw new Error("PARLEY_URL is not set: the address of the server");
  if (typeof secret !== "string" || secret === "")
    throw new Error("PARLEY_TOKEN is not set: the token of an admin");
  return { url: addressOf(address), token: secret };
}

/**
 * `PARLEY_TOKEN=<admin's token> npm run rebuild -- URL [--objects ACCOUNT/NAMESPACE]`: rebuilds D1
 * from the conversations' objects. With `--objects`, from the objects that Cloudflare's API lists
 * (needs CLOUDFLARE_API_TOKEN): for a D1 that has lost its own list.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { addressOf, Failure, failed, misused, request } from "./exit.ts";

/** Conversations in one call, and objects in one page of Cloudflare's list. */
const BATCH = 50;
const LISTED = 1_000;
const AGAIN_AFTER_MS = 500;

const answer = z.object({
  rebuilt: z.number(),
  unfinished: z.array(z.object({ conversationId: z.string() })),
  failed: z.array(z.object({ id: z.string(), reason: z.string() })),
  cursor: z.string().nullable(),
  progress: z.object({ seen: z.number(), of: z.number() }),
});
type Answer = z.infer<typeof answer>;

const listing = z.object({
  result: z.array(z.object({ id: z.string(), hasStoredData: z.boolean().optional() })),
  result_info: z.object({ cursor: z.string().optional() }).optional(),
});

const { url, objects, cloudflare, token } = commandLine();
const unfinished: string[] = [];
let failures = 0;

await rebuildAll().catch(failed);
console.log(failures === 0 ? "done" : `done, but for ${failures} that failed`);
process.exitCode = failures === 0 ? 0 : 1;

async function rebuildAll(): Promise<void> {
  if (objects) await rebuildObjects(objects);
  else await rebuildKnown();
  while (unfinished.length > 0) {
    console.log(`${unfinished.length} large ones continue`);
    await sleep(AGAIN_AFTER_MS);
    take(await call({ ids: unfinished.splice(0, BATCH), resume: true }));
  }
}

async function rebuildKnown(): Promise<void> {
  let cursor: string | null = null;
  do {
    const step: Answer = take(await call({ cursor }));
    cursor = step.cursor;
    console.log(`${step.progress.seen} of ${step.progress.of}`);
  } while (cursor !== null);
}

async function rebuildObjects(namespace: string): Promise<void> {
  let seen = 0;
  let cursor: string | undefined;
  do {
    const page = await listed(namespace, cursor);
    const ids = page.result.filter((object) => object.hasStoredData !== false).map(({ id }) => id);
    for (let from = 0; from < ids.length; from += BATCH) {
      take(await call({ ids: ids.slice(from, from + BATCH) }));
      seen += Math.min(BATCH, ids.length - from);
      console.log(`${seen} objects`);
    }
    cursor = page.result_info?.cursor || undefined;
  } while (cursor !== undefined);
}

async function listed(namespace: string, cursor: string | undefined) {
  const [account, id] = namespace.split("/");
  const path = `/accounts/${account}/workers/durable_objects/namespaces/${id}/objects`;
  const address = new URL(cloudflare + path);
  address.searchParams.set("limit", String(LISTED));
  if (cursor) address.searchParams.set("cursor", cursor);
  const headers = { Authorization: `Bearer ${process.env["CLOUDFLARE_API_TOKEN"]}` };
  const response = await request(address, { headers });
  if (!response.ok) throw new Failure(`Cloudflare: ${response.status} ${await response.text()}`);
  return listing.parse(await response.json());
}

/** One call of the route; waits as long as the answer requires. */
async function call(body: object): Promise<Answer> {
  for (;;) {
    const response = await request(new URL("/api/admin/rebuild", url), {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.ok) return answer.parse(await response.json());
    const wait = Number(response.headers.get("Retry-After"));
    if (!wait) throw new Failure(`${response.status} ${await response.text()}`);
    await sleep(wait * 1_000);
  }
}

function take(step: Answer): Answer {
  unfinished.push(...step.unfinished.map(({ conversationId }) => conversationId));
  for (const { id, reason } of step.failed) console.error(`${id}: ${reason}`);
  failures += step.failed.length;
  return step;
}

/** Parses the command line; exits with the usage if it is invalid. */
function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        objects: { type: "string" },
        cloudflare: { type: "string", default: "https://api.cloudflare.com/client/v4" },
      },
    });
    const [given, ...rest] = positionals;
    const token = process.env["PARLEY_TOKEN"];
    if (!given || rest.length > 0) throw new Error("give the address of one server");
    const url = addressOf(given);
    if (!token) throw new Error("PARLEY_TOKEN is not set: the token of an admin");
    if (values.objects && !/^\w+\/\w+$/.test(values.objects)) {
      throw new Error("--objects takes ACCOUNT_ID/NAMESPACE_ID");
    }
    return { url, token, ...values };
  } catch (error) {
    misused(error, "PARLEY_TOKEN=... npm run rebuild -- URL [--objects ACCOUNT/NAMESPACE]");
  }
}

/**
 * `npm run test:chaos [-- --seed N] [--messages N] [--kills N]`: one long round with a random seed.
 * `npm run test:chaos:short`: a short round for each pinned seed. A seed repeats the choices of
 * clients and network, not the machine's timing.
 */
import { parseArgs } from "node:util";
import { Random } from "../random.ts";
import { cleanUp } from "../system/server.ts";
import { Network } from "./proxy.ts";
import { PushChecks } from "./push-checks.ts";
import { type Goal, Round, seconds } from "./round.ts";
import { PINNED } from "./seeds.ts";
import { ChaosServer } from "./server.ts";

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string" },
    messages: { type: "string", default: "10000" },
    kills: { type: "string", default: "50" },
  },
});
const seeds = values.seed ? [Number(values.seed)] : undefined;
const goals: Goal[] = values.short
  ? (seeds ?? PINNED).map((seed) => ({ seed, messages: 500, kills: 3 }))
  : (seeds ?? [Date.now() % 1_000_000]).map((seed) => ({
      seed,
      messages: Number(values.messages),
      kills: Number(values.kills),
    }));

const began = Date.now();
const network = await Network.open(new Random(goals[0]?.seed ?? 0));
let failed = false;
try {
  const server = await ChaosServer.start(network);
  for (const goal of goals) {
    console.log(`seed ${goal.seed}: ${goal.messages} messages, ${goal.kills} kills`);
    // The end of one round in the short form waits for what is still to be notified of.
    const isNotified = !values.short || goal === goals[0];
    const pushes = isNotified ? await PushChecks.start() : undefined;
    const round = new Round(goal, network, server, pushes);
    for (const [what, count] of Object.entries(await round.run())) {
      console.log(`${what.padEnd(20)}${count}`);
    }
    await pushes?.stop();
    const findings = round.findings.all;
    failed ||= findings.length > 0;
    for (const finding of findings.slice(0, 40)) console.log(`! ${finding}`);
    if (findings.length > 40) console.log(`! and ${findings.length - 40} more`);
    // Errors logged by the server, except those that the test causes (D1, aborts).
    for (const bug of server.bugs()) console.log(`! the server: ${bug}`);
    if (findings.length > 0) console.log(`again with: npm run test:chaos -- --seed ${goal.seed}`);
  }
} finally {
  network.close();
  await cleanUp();
}
console.log(`${failed ? "FAILED" : "exact"} after ${seconds(began)} s`);
process.exit(failed ? 1 : 0);

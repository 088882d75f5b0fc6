/**
 * `npm run bench [-- --rounds N] [--only GROUP] [--json]`: measures Parley's production bundle beside
 * other servers, in one run, interleaved. Exits with 1 when a goal is missed.
 *
 * `npm run bench -- --compare COMMIT`: measures it beside the bundle of another commit instead, and
 * prints each figure as a multiple of that commit's. Exits with 1 when one became worse.
 */
import { parseArgs } from "node:util";
import { cleanUp } from "../system/server.ts";
import { buildOf, buildOfThis, shortHash } from "./builds.ts";
import { type Case, measureAll } from "./case.ts";
import { compared } from "./comparison.ts";
import { chosen, groupsOf } from "./groups.ts";
import { comparisonTable, table } from "./report.ts";
import { startNode, startPeers } from "./subjects.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    compare: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const print = (text: string) => console.error(text);
process.on("SIGINT", () => void cleanUp().finally(() => process.exit(130)));

let isGood = false;
try {
  const other = values.compare === undefined ? undefined : await shortHash(values.compare);
  if (other) print(`building this and ${other}`);
  const builds = {
    parley: await buildOfThis(),
    ...(other && { [other]: await buildOf(other) }),
  };
  const beside = other
    ? undefined
    : { peers: await startPeers("peers"), node: await startNode("node") };
  const cases: Case[] = [];
  for (const [name, prepare] of chosen(await groupsOf(builds, beside), values.only)) {
    print(`preparing ${name}`);
    try {
      cases.push(...(await prepare()));
    } catch (error) {
      // Another commit may lack what a group needs, such as a table that is filled for it.
      if (!other) throw error;
      print(`left out, as it fails with ${other}: ${name}: ${error}`);
    }
  }
  const outcomes = await measureAll(cases, Number(values.rounds), print);
  const comparisons = other ? compared(outcomes, "parley", other) : [];
  isGood = other
    ? comparisons.every(({ verdict }) => verdict !== "worse")
    : outcomes.every(({ goals }) => goals.every(({ met }) => met));
  const toJson = (_: string, value: unknown) =>
    value instanceof Map ? Object.fromEntries(value) : value;
  const json = () => JSON.stringify(other ? comparisons : outcomes, toJson, 2);
  const text = () => (other ? comparisonTable(outcomes, comparisons, other) : table(outcomes));
  console.log(values.json ? json() : text());
} finally {
  await cleanUp();
}
process.exit(isGood ? 0 : 1);

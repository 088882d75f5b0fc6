/**
 * `npm run bench [-- --rounds N] [--only WORD] [--json]`: compares Parley's production bundle with
 * other servers, in one run, interleaved. Exits with 1 when a goal is missed.
 */
import { parseArgs } from "node:util";
import { cleanUp } from "../system/server.ts";
import { type Case, measureAll } from "./case.ts";
import { fanOutOf20, fanOutOf200 } from "./cases/fan-out.ts";
import { gateways } from "./cases/gateway.ts";
import { restHistory, restSends } from "./cases/rest.ts";
import { resuming } from "./cases/resume.ts";
import { rows } from "./cases/rows.ts";
import { waking } from "./cases/wake.ts";
import { Crowd } from "./crowd.ts";
import { parley } from "./dialects.ts";
import { CountingProxy } from "./proxy.ts";
import { table } from "./report.ts";
import {
  crowdOf,
  parleyCrowd,
  type Subject,
  startNode,
  startParley,
  startPeers,
  webSocketUrl,
} from "./subjects.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const print = (text: string) => console.error(text);

let missed = false;
try {
  const subject = await startParley("parley");
  const peers = await startPeers("peers");
  const node = await startNode("node");
  const fill = async (to: Subject, conversationId: string, tokens: string[], count: number) => {
    const url = webSocketUrl(to, `/live/${conversationId}`);
    const crowd = await Crowd.gather(url, tokens.map(parley), 1);
    await crowd.sendAll(count, 128);
    crowd.close();
  };
  const peer = async (name: "limit" | "floor" | "usual") => {
    const one = await startPeers(name);
    return { subject: one, crowd: (size: number) => crowdOf(one, `/${name}?${size}`, size) };
  };
  const socketIo = "/socket.io/?EIO=4&transport=websocket";
  const groups: Record<string, () => Promise<Case[]>> = {
    fan: async () => {
      const all = {
        parley: { subject, crowd: (size: number) => parleyCrowd(subject, size) },
        limit: await peer("limit"),
        floor: await peer("floor"),
        usual: await peer("usual"),
        node: { subject: node, crowd: (size: number) => crowdOf(node, socketIo, size) },
      };
      return [...(await fanOutOf20(all)), ...(await fanOutOf200(all))];
    },
    rest: async () => {
      const notWaiting = await startParley("not waiting", "--var=SENDS_WAIT_FOR_LISTS:off");
      const both = { "parley, lists waited for": subject, "parley, not waited for": notWaiting };
      return await restSends(both, { peers, node });
    },
    history: () => restHistory({ parley: subject }, fill, { peers, node }),
    resume: () => resuming({ parley: subject }, fill, peers),
    gateway: () => gateways({ parley: subject }),
    door: async () => {
      const proxies = { parley: await CountingProxy.open() };
      return [...(await waking(proxies)), ...(await rows(proxies))];
    },
  };
  const cases: Case[] = [];
  for (const [name, prepare] of Object.entries(groups)) {
    if (!name.includes(values.only)) continue;
    print(`preparing ${name}`);
    cases.push(...(await prepare()));
  }
  const outcomes = await measureAll(cases, Number(values.rounds), print);
  missed = outcomes.some(({ goals }) => goals.some(({ met }) => !met));
  console.log(values.json ? JSON.stringify(outcomes, undefined, 2) : table(outcomes));
} finally {
  await cleanUp();
}
process.exit(missed ? 1 : 0);

import type { Build } from "./builds.ts";
import type { Case } from "./case.ts";
import { fanOutOf20, fanOutOf200 } from "./cases/fan-out.ts";
import { frames } from "./cases/frame.ts";
import { gateways } from "./cases/gateway.ts";
import { inboxes } from "./cases/inbox.ts";
import { memory } from "./cases/memory.ts";
import { type Beside, restHistory, restSends } from "./cases/rest.ts";
import { resuming } from "./cases/resume.ts";
import { rows } from "./cases/rows.ts";
import { searching } from "./cases/search.ts";
import { waking } from "./cases/wake.ts";
import { Crowd } from "./crowd.ts";
import { parley } from "./dialects.ts";
import { CountingProxy } from "./proxy.ts";
import {
  crowdOf,
  parleyCrowd,
  type Subject,
  startParley,
  startPeers,
  webSocketUrl,
} from "./subjects.ts";

/** By name of a build: something of it. */
type Each<T> = Record<string, T>;

type Groups = Record<string, () => Promise<Case[]>>;

/** Groups that take minutes each: measured only where they are asked for. */
const SLOW = ["memory", "search"];

/** The groups whose names contain `only`; all but the slow ones if it is empty. */
export function chosen(groups: Groups, only: string): [name: string, Groups[string]][] {
  const all = Object.entries(groups);
  if (!only) return all.filter(([name]) => !SLOW.includes(name));
  const found = all.filter(([name]) => name.includes(only));
  if (found.length > 0) return found;
  throw new Error(`no group is named ${only}; there are ${Object.keys(groups).join(", ")}`);
}

/** Groups of cases by name; each starts the servers that it needs when it is prepared. */
export async function groupsOf(builds: Each<Build>, beside: Beside | undefined): Promise<Groups> {
  const parleys = await forEach(builds, (build, name) => startParley(name, build));
  return {
    fan: async () => {
      const broadcasters = {
        ...(await forEach(parleys, async (subject) => ({
          subject,
          crowd: (size: number) => parleyCrowd(subject, size),
        }))),
        ...(beside && (await peers(beside))),
      };
      return [
        ...(await frames(parleys)),
        ...(await fanOutOf20(broadcasters)),
        ...(await fanOutOf200(broadcasters)),
      ];
    },
    rest: async () => {
      const waiting = named(parleys, "lists waited for");
      const notWaiting = await forEach(builds, (build, name) =>
        startParley(name, build, "--var=SENDS_WAIT_FOR_LISTS:off"),
      );
      return await restSends({ ...waiting, ...named(notWaiting, "not waited for") }, beside);
    },
    history: () => restHistory(parleys, fill, beside),
    resume: () => resuming(parleys, fill, beside?.peers),
    gateway: () => gateways(parleys),
    inbox: () => inboxes(parleys),
    door: async () => {
      const proxies = await forEach(builds, (build) => CountingProxy.open(build));
      return [...(await waking(proxies)), ...(await rows(proxies))];
    },
    search: async () => {
      const proxies = await forEach(builds, (build) => CountingProxy.open(build));
      return await searching(proxies, beside?.node);
    },
    memory: async () => memory(builds, beside && (await startPeers("floor"))),
  };
}

/** The others that broadcast, each in a process of its own. */
async function peers({ node }: Beside) {
  const peer = async (name: string) => {
    const subject = await startPeers(name);
    return { subject, crowd: (size: number) => crowdOf(subject, `/${name}?${size}`, size) };
  };
  const socketIo = "/socket.io/?EIO=4&transport=websocket";
  return {
    limit: await peer("limit"),
    floor: await peer("floor"),
    usual: await peer("usual"),
    node: { subject: node, crowd: (size: number) => crowdOf(node, socketIo, size) },
  };
}

/** Sends messages to a conversation over its members' sockets. */
async function fill(to: Subject, conversationId: string, tokens: string[], count: number) {
  const url = webSocketUrl(to, `/live/${conversationId}`);
  const crowd = await Crowd.gather(url, tokens.map(parley), 1);
  await crowd.sendAll(count, 128);
  crowd.close();
}

async function forEach<T, U>(
  all: Each<T>,
  make: (one: T, name: string) => Promise<U>,
): Promise<Each<U>> {
  const made: Each<U> = {};
  for (const [name, one] of Object.entries(all)) made[name] = await make(one, name);
  return made;
}

const named = <T>(all: Each<T>, what: string): Each<T> =>
  Object.fromEntries(Object.entries(all).map(([name, one]) => [`${name}, ${what}`, one]));

import { freePort } from "../../system/server.ts";
import { signedFor } from "../../system/token.ts";
import type { Build } from "../builds.ts";
import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import type { Goal } from "../goals.ts";
import { Isolate } from "../heap.ts";
import { runtimeBytes } from "../processor.ts";
import { CountingProxy } from "../proxy.ts";
import { call, crowdOf, type Subject, webSocketUrl } from "../subjects.ts";

const SMALL = { sockets: 10, conversations: 20 };
const LARGE = { sockets: 1_000, conversations: 1 };
/** Conversations without sockets that are awake at once, and for how many that is projected. */
const AWAKE = 200;
const PROJECTED = 2_000;
/** Requests at once. */
const CONCURRENT = 16;
/** Sockets of one user in a conversation, at most. */
const DEVICES = 10;
const PEOPLE = 100;

const KIB = 1_024;
const MIB = KIB * KIB;

/**
 * Memory of conversations in which nothing happens: of the isolate, which has 128 MiB on the platform,
 * after a garbage collection; and of the local runtime's process for each open socket.
 */
export async function memory(builds: Record<string, Build>, floor?: Subject): Promise<Case[]> {
  const heaps: Case["measures"] = {};
  const processes: Case["measures"] = {};
  for (const [name, build] of Object.entries(builds)) {
    heaps[name] = () => heapOf(build);
    processes[name] = () => processOf(build);
  }
  if (floor) {
    processes["floor"] = () =>
      perSocket(floor, (part) => crowdOf(floor, `/floor?memory${part}`, LARGE.sockets));
  }
  const atMost = (bound: number): Goal[] => [{ of: "parley", atMost: bound }];
  return [
    {
      name: "memory of the isolate",
      quantities: {
        "a conversation awake without sockets": { unit: "KiB", goals: atMost(20) },
        "a conversation awake with 10 sockets": { unit: "KiB", goals: atMost(64) },
        "a conversation awake with 1,000 sockets": { unit: "KiB", goals: atMost(1024) },
        "a socket of a conversation awake": { unit: "KiB", goals: atMost(1) },
        "a socket of a conversation asleep": { unit: "KiB", goals: atMost(0.75) },
        "2,000 conversations awake, projected": { unit: "MiB", goals: atMost(64) },
      },
      measures: heaps,
      rounds: 1,
    },
    {
      name: "memory of the process",
      quantities: {
        "an idle socket": {
          unit: "KiB",
          goals: [{ of: "parley", beside: "floor", atMost: 1.5 }],
        },
      },
      measures: processes,
      rounds: 1,
    },
  ];
}

/** A new server with people, its isolate, and the growth of its heap by an action. */
async function observed(build: Build) {
  const inspectorPort = await freePort();
  const proxy = await CountingProxy.open(
    build,
    `--inspector-port=${inspectorPort}`,
    "--var=SENDS_WAIT_FOR_LISTS:off",
  );
  const isolate = await Isolate.of(inspectorPort);
  const host = await Host.of(proxy);
  const growthOf = async (action: () => Promise<unknown>) => {
    const before = await isolate.heapBytes();
    await action();
    return (await isolate.heapBytes()) - before;
  };
  const end = async () => {
    isolate.close();
    await proxy.subject.program.kill();
  };
  return { isolate, host, growthOf, end };
}

async function heapOf(build: Build): Promise<Record<string, number>> {
  return { ...(await withSockets(build)), ...(await withoutSockets(build)) };
}

async function withSockets(build: Build): Promise<Record<string, number>> {
  const { host, growthOf, end } = await observed(build);
  // What is created once, such as caches and compiled code, is there before the first figure.
  const crowds = [await host.crowd(SMALL.sockets)];
  const open = async ({ sockets, conversations }: typeof SMALL) => {
    for (let i = 0; i < conversations; i++) crowds.push(await host.crowd(sockets));
  };
  const small = (await growthOf(() => open(SMALL))) / SMALL.conversations;
  const large = (await growthOf(() => open(LARGE))) / LARGE.conversations;
  const awake = small * SMALL.conversations + large * LARGE.conversations;
  const asleep = awake + (await growthOf(() => host.sleep()));
  for (const crowd of crowds) crowd.close();
  await end();
  const sockets = SMALL.sockets * SMALL.conversations + LARGE.sockets * LARGE.conversations;
  return {
    "a conversation awake with 10 sockets": small / KIB,
    "a conversation awake with 1,000 sockets": large / KIB,
    "a socket of a conversation awake": (large - small) / (LARGE.sockets - SMALL.sockets) / KIB,
    "a socket of a conversation asleep": asleep / sockets / KIB,
  };
}

async function withoutSockets(build: Build): Promise<Record<string, number>> {
  const { isolate, host, growthOf, end } = await observed(build);
  await host.conversations(1);
  const grown = await growthOf(() => host.conversations(AWAKE));
  const total = await isolate.heapBytes();
  // Fails unless all of them were awake until now.
  await host.sleep();
  await end();
  const each = grown / AWAKE;
  return {
    "a conversation awake without sockets": each / KIB,
    "2,000 conversations awake, projected": (total - grown + each * PROJECTED) / MIB,
  };
}

async function processOf(build: Build): Promise<Record<string, number>> {
  const proxy = await CountingProxy.open(build);
  const host = await Host.of(proxy);
  const figures = await perSocket(proxy.subject, () => host.crowd(LARGE.sockets));
  await proxy.subject.program.kill();
  return figures;
}

/** The growth of the runtime's process for each socket, after the first conversation. */
async function perSocket(subject: Subject, open: (part: number) => Promise<Crowd>) {
  const crowds = [await open(0)];
  const before = runtimeBytes(subject.program);
  for (let i = 1; i <= LARGE.conversations; i++) crowds.push(await open(i));
  const grown = runtimeBytes(subject.program) - before;
  for (const crowd of crowds) crowd.close();
  return { "an idle socket": grown / (LARGE.sockets * LARGE.conversations) / KIB };
}

/** Creates conversations of the same people, which stay awake. */
class Host {
  private readonly created: string[] = [];
  private readonly proxy: CountingProxy;
  private readonly people: { userId: string; token: string }[];

  private constructor(proxy: CountingProxy, people: Host["people"]) {
    this.proxy = proxy;
    this.people = people;
  }

  static async of(proxy: CountingProxy): Promise<Host> {
    const people = [];
    for (let i = 0; i < PEOPLE; i++) {
      const userId = `person-${i}`;
      const token = await signedFor(userId);
      // A user is known after their first request.
      await call(proxy.subject, token, "GET", "/api/v1/chat/conversations");
      people.push({ userId, token });
    }
    return new Host(proxy, people);
  }

  /** A conversation with `sockets` open sockets, which all have received a message. */
  async crowd(sockets: number): Promise<Crowd> {
    const size = Math.min(sockets, PEOPLE);
    if (sockets > size * DEVICES) throw new Error(`${size} people may not open ${sockets} sockets`);
    const conversationId = await this.conversation(size);
    const tokens = this.people.slice(0, size).map(({ token }) => token);
    const url = webSocketUrl(this.proxy.subject, `/live/${conversationId}`);
    const dialects = Array.from({ length: sockets }, (_, i) => parley(tokens[i % size] ?? ""));
    const crowd = await Crowd.gather(url, dialects, 1);
    await crowd.one();
    return crowd;
  }

  /** Conversations of two people with one message each. */
  async conversations(count: number): Promise<void> {
    const rest = Array.from({ length: count }, (_, i) => i);
    const creating = async () => {
      while (rest.pop() !== undefined) {
        const conversationId = await this.conversation(2);
        const body = { conversationId, content: "A message of about the usual length" };
        await this.ask("/api/v1/chat/messages", body);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, creating));
  }

  /** Puts all conversations to sleep. */
  async sleep(): Promise<void> {
    for (const conversationId of this.created.splice(0))
      await this.proxy.putToSleep(conversationId);
  }

  private async conversation(size: number): Promise<string> {
    const participantIds = this.people.slice(1, Math.max(3, size)).map(({ userId }) => userId);
    const body = { title: "Memory", participantIds };
    const made = await this.ask("/api/v1/chat/conversations/group", body);
    const { conversationId } = JSON.parse(made);
    await this.proxy.keepAwake(conversationId);
    this.created.push(conversationId);
    return conversationId;
  }

  private ask(path: string, body: unknown): Promise<string> {
    return call(this.proxy.subject, this.people[0]?.token ?? "", "POST", path, body);
  }
}

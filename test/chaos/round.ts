import { setTimeout as sleep } from "node:timers/promises";
import { Parley } from "../../src/client/parley.ts";
import type { Rest } from "../../src/client/rest.ts";
import { Random } from "../random.ts";
import { signedFor } from "../system/token.ts";
import { Actor } from "./actor.ts";
import { Blocks } from "./blocks.ts";
import { checkConversation, checkPublicClients, Findings } from "./checks.ts";
import { MembershipChurn } from "./churn.ts";
import { InboxClient } from "./inbox-client.ts";
import { Model } from "./model.ts";
import type { Cut, Network } from "./proxy.ts";
import type { PublicClient } from "./public-client.ts";
import { SignalRClient, SocketIoClient } from "./public-clients.ts";
import type { PushChecks } from "./push-checks.ts";
import type { ChaosServer } from "./server.ts";

const CONVERSATIONS = 5;
const MEMBERS = 4;
const RECONNECTS_AT_THE_END = 3;

/** The disturbances of clients and server, and their relative frequency. */
const DISTURBANCES = {
  clean: 30,
  "mid-frame": 30,
  ghost: 10,
  abort: 12,
  evict: 12,
  "gateway aborted": 4,
  "gateway evicted": 8,
  "inbox aborted": 6,
  "inbox evicted": 8,
  d1: 6,
  "push refused": 6,
  mute: 4,
  block: 8,
};

export interface Goal {
  seed: number;
  /**
   * The number of messages to be acknowledged, and of kills of the server: the round runs until
   * both are reached.
   */
  messages: number;
  kills: number;
}

/** The results of a round. */
export interface Outcome extends Record<string, number> {
  acknowledged: number;
}

/**
 * Users in conversations, a network that cuts connections, and a server that is killed; then the
 * final checks.
 */
export class Round {
  readonly findings = new Findings();
  private readonly goal: Goal;
  private readonly network: Network;
  private readonly server: ChaosServer;
  private readonly random: Random;
  private readonly rests = new Map<string, Rest>();
  private readonly models: Model[] = [];
  private readonly actors = new Map<Model, Actor[]>();
  private readonly publicClients = new Map<Model, PublicClient[]>();
  /** Absent where nobody is notified. */
  private readonly pushes: PushChecks | undefined;
  private readonly blocks = new Blocks((userId, method, body) =>
    this.requestBlocks(userId, method, body),
  );
  private readonly churns: MembershipChurn[] = [];
  /** One for each person, guests included. */
  private readonly inboxes: InboxClient[] = [];
  private readonly done: Partial<Record<keyof typeof DISTURBANCES | "kills", number>> = {};

  constructor(goal: Goal, network: Network, server: ChaosServer, pushes?: PushChecks) {
    this.goal = goal;
    this.network = network;
    this.server = server;
    this.pushes = pushes;
    this.random = new Random(goal.seed);
  }

  async run(): Promise<Outcome> {
    const cutsBefore = { ...this.network.cuts };
    await this.connect();
    const everyone = [...this.actors.values()].flat();
    const publicClients = [...this.publicClients.values()].flat();
    const acting = [...everyone, ...publicClients].map((actor) => actor.act());
    const churning = this.churns.map((churn) => churn.act());
    await this.disturb(everyone);
    await this.server.call("d1?ms=0");
    await this.blocks.stop();
    // The network is reliable again.
    this.network.cancelCuts();
    this.reconnect(everyone);
    // Guests are added before the checks, so that their pending sends succeed.
    for (const churn of this.churns) churn.stop();
    await Promise.all(churning);
    for (const client of publicClients) client.stop();
    await Promise.all(everyone.map((actor) => actor.stop()));
    await Promise.all(acting);
    for (let times = 0; times < RECONNECTS_AT_THE_END; times++) await this.reconnectAll(everyone);
    await Promise.all(
      [...this.actors].map(([model, actors]) =>
        checkConversation(model, actors, this.rests, this.findings),
      ),
    );
    await Promise.all(
      [...this.publicClients].map(([model, clients]) =>
        checkPublicClients(model, clients, this.rests, this.findings),
      ),
    );
    await Promise.all(this.inboxes.map((client) => client.check(this.findings)));
    await this.pushes?.check(this.models, this.findings);
    for (const leak of this.blocks.leaks) this.findings.different.add(leak);
    for (const { conversation } of everyone) conversation.close();
    for (const { inbox } of this.inboxes) inbox.close();
    for (const client of publicClients) client.close();
    const sum = (of: (actor: Actor) => number) => everyone.reduce((all, one) => all + of(one), 0);
    const cuts = Object.entries(this.network.cuts).map(
      ([how, count]) => [`cut ${how}`, count - cutsBefore[how as Cut]] as const,
    );
    const { lost, doubled, reordered, unread, different } = this.findings;
    return {
      clients: everyone.length,
      "Socket.IO, SignalR": publicClients.length,
      acknowledged: sum(({ tally }) => tally.acknowledged),
      "theirs acknowledged": publicClients.reduce((all, one) => all + one.acknowledged, 0),
      "their joins": publicClients.reduce((all, one) => all + one.joins, 0),
      removals: this.churns.reduce((all, { removals }) => all + removals, 0),
      "server killed": this.done.kills ?? 0,
      "object aborted": this.done.abort ?? 0,
      "object evicted": this.done.evict ?? 0,
      "gateway aborted": this.done["gateway aborted"] ?? 0,
      "gateway evicted": this.done["gateway evicted"] ?? 0,
      "inbox aborted": this.done["inbox aborted"] ?? 0,
      "inbox evicted": this.done["inbox evicted"] ?? 0,
      "inbox changes": this.inboxes.reduce((all, { changes }) => all + changes, 0),
      pushes: this.pushes?.accepted ?? 0,
      mutes: this.pushes?.mutes.count ?? 0,
      blocks: this.blocks.count,
      "pushes refused": this.pushes?.refused ?? 0,
      "D1 outages": this.done.d1 ?? 0,
      ...Object.fromEntries(cuts),
      reconnects: sum(({ tally }) => tally.reconnects),
      resends: sum(({ tally }) => tally.resends),
      lost: lost.size,
      doubled: doubled.size,
      reordered: reordered.size,
      "unread mismatches": unread.size,
      "other differences": different.size,
    };
  }

  /**
   * Creates users and conversations, and connects; in each conversation one user has two devices.
   */
  private async connect(): Promise<void> {
    const { seed } = this.goal;
    const userIds = Array.from({ length: CONVERSATIONS * MEMBERS }, (_, i) => `p${i}-s${seed}`);
    const parleys = new Map(userIds.map((userId) => [userId, this.parley(userId)]));
    for (const [userId, { rest }] of parleys) {
      this.rests.set(userId, rest);
      await rest.conversations();
      await this.pushes?.subscribe(userId, rest);
    }
    const guestIds = Array.from({ length: CONVERSATIONS }, (_, i) => `guest${i}-s${seed}`);
    for (const userId of guestIds) await this.parley(userId).rest.conversations();
    for (const [c, guestId] of guestIds.entries()) {
      // The last user of each conversation is the first of the next: some are in two.
      const members = Array.from(
        { length: MEMBERS + 1 },
        (_, i) => userIds[(c * MEMBERS + i) % userIds.length] ?? "",
      );
      const participantIds = [...members.slice(1), guestId];
      const owner = parleys.get(members[0] ?? "");
      if (!owner) throw new Error("no owner");
      const { conversationId } = await owner.rest.group({ title: `Chaos ${c}`, participantIds });
      const model = new Model(conversationId, members, this.blocks);
      this.models.push(model);
      const devices = [...members.map((userId) => [userId, "a"]), [members[0] ?? "", "b"]];
      this.actors.set(
        model,
        devices.map(([userId = "", device]) => {
          const parley = parleys.get(userId) ?? this.parley(userId);
          const name = `${c}.${userId}.${device}`;
          return new Actor(name, userId, parley, model, this.random.fork(), device === "a");
        }),
      );
      const publicClient = (
        Client: typeof SocketIoClient | typeof SignalRClient,
        userId: string,
      ) => {
        const name = `${c}.${userId}.${Client === SocketIoClient ? "io" : "hub"}`;
        const random = this.random.fork();
        const url = `http://127.0.0.1:${this.network.port}`;
        return new Client({ name, userId, url, model, random, token: this.tokens(userId) });
      };
      const guest = publicClient(c % 2 === 0 ? SocketIoClient : SignalRClient, guestId);
      this.publicClients.set(model, [
        publicClient(SocketIoClient, members[1] ?? ""),
        publicClient(SignalRClient, members[2] ?? ""),
        guest,
      ]);
      const { random, findings } = this;
      const { rest } = owner;
      this.churns.push(
        new MembershipChurn({
          conversationId,
          guest,
          guestId,
          rest,
          random: random.fork(),
          findings,
          isServerUp: () => this.network.target !== undefined,
        }),
      );
    }
    for (const userId of [...userIds, ...guestIds]) {
      this.inboxes.push(new InboxClient(userId, this.parley(userId)));
    }
    const everyone = [...this.actors.values()].flat();
    await Promise.all(everyone.map(({ conversation }) => conversation.connect().live()));
    await Promise.all(this.inboxes.map(({ inbox }) => inbox.connect().live()));
    await Promise.all([...this.publicClients.values()].flat().map((client) => client.connect()));
  }

  /** Clients reconnect at once, as pages do on the browser's online event. */
  private reconnect(everyone: readonly Actor[]): void {
    for (const { conversation } of everyone) conversation.connect();
    for (const { inbox } of this.inboxes) inbox.connect();
  }

  /** Everybody reconnects, and the newest messages come meanwhile: lists do not have them yet, and nothing comes later. */
  private async reconnectAll(everyone: readonly Actor[]): Promise<void> {
    const speakers = [...this.actors.values()].flatMap((actors) => this.random.any(actors) ?? []);
    this.network.cutAll();
    this.reconnect(everyone);
    await Promise.all(speakers.map((actor) => actor.say()));
  }

  private parley(userId: string): Parley {
    const random = this.random.fork();
    return new Parley({
      url: `http://127.0.0.1:${this.network.port}`,
      random: () => random.next(),
      token: this.tokens(userId),
    });
  }

  private async requestBlocks(userId: string, method: string, body: object): Promise<Response> {
    const authorization = `Bearer ${await signedFor(userId, 30)}`;
    return fetch(`http://127.0.0.1:${this.network.port}/api/users/blocks`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** Tokens are valid for seconds, less than most sessions last. */
  private tokens(userId: string): () => Promise<string> {
    const random = this.random.fork();
    return () => signedFor(userId, random.between(8, 40));
  }

  private async disturb(everyone: readonly Actor[]): Promise<void> {
    const acknowledged = () => everyone.reduce((all, { tally }) => all + tally.acknowledged, 0);
    const { messages, kills } = this.goal;
    const began = Date.now();
    for (;;) {
      const said = acknowledged();
      if (said >= messages && (this.done.kills ?? 0) >= kills) return;
      await sleep(this.random.between(20, 250));
      // Kills are spread over the run, and the first one is early.
      if ((this.done.kills ?? 0) < kills && said >= (messages / kills) * (this.done.kills ?? 0)) {
        this.done.kills = (this.done.kills ?? 0) + 1;
        await this.server.restart();
        console.log(`  ${said} acknowledged, ${this.done.kills} kills, ${seconds(began)} s`);
        continue;
      }
      await this.disturbOnce(this.random.weighted(DISTURBANCES));
    }
  }

  private async disturbOnce(what: keyof typeof DISTURBANCES): Promise<void> {
    const id = this.random.any(this.models)?.conversationId ?? "";
    const client = this.random.any([...this.publicClients.values()].flat());
    switch (what) {
      case "clean":
      case "mid-frame":
      case "ghost":
        this.network.cut(what);
        break;
      case "abort":
      case "evict":
        // Not awaited: a busy object is evicted later.
        void this.callServer(what, `${what}?id=${id}`);
        break;
      case "gateway aborted":
      case "gateway evicted":
        if (client?.gateway) {
          const path = what === "gateway aborted" ? "abort" : "evict";
          void this.callServer(what, `${path}?${new URLSearchParams(client.gateway)}`);
        }
        break;
      case "inbox aborted":
      case "inbox evicted": {
        const id = this.random.any(this.inboxes)?.userId ?? "";
        const path = what === "inbox aborted" ? "abort" : "evict";
        void this.callServer(what, `${path}?${new URLSearchParams({ of: "INBOXES", id })}`);
        break;
      }
      case "push refused":
        this.pushes?.refuse(this.random);
        break;
      case "mute": {
        const model = this.random.any(this.models);
        if (model) this.pushes?.mute(model, this.rests, this.random);
        break;
      }
      case "block": {
        const model = this.random.any(this.models);
        if (model) this.blocks.start(model.memberIds, this.random);
        break;
      }
      case "d1":
        await this.callServer(what, `d1?ms=${this.random.between(200, 3_000)}`);
        break;
    }
  }

  private async callServer(what: keyof typeof DISTURBANCES, path: string): Promise<void> {
    if (await this.server.call(path)) this.done[what] = (this.done[what] ?? 0) + 1;
  }
}

export const seconds = (since: number) => ((Date.now() - since) / 1_000).toFixed(1);

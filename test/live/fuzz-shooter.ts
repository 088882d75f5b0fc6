import { expect } from "vitest";
import { SocketBudget } from "../../src/conversation/outbound/sockets/socket-budget.ts";
import { MAX_FRAME_BYTES } from "../../src/live/version.ts";
import type { Random } from "../random.ts";
import { type Caller, open, type Socket } from "../support.ts";
import type { Answer } from "./answer.ts";
import { framesOf, type Gun, type Known, type Shot } from "./fuzz-frames.ts";
import { Replica } from "./replica.ts";

/** A client that sends random objects to a conversation, and reconnects when it is disconnected. */
export class Shooter {
  readonly replica = new Replica();
  readonly caller: Caller;
  /**
   * Ids of commands that are ignored, because they exceed the rate of their second and an earlier
   * one was refused.
   */
  readonly ignored = new Set<string>();
  /** How often the server closed the socket. */
  thrownOut = 0;
  private readonly gun: Gun;
  private readonly conversationId: string;
  private readonly dice: Random;
  private socket: Socket | undefined;
  private heard = 0;
  private sentinels = 0;
  /** A copy of the object's budget for this socket, to predict which object closes it. */
  private budget = new SocketBudget();

  constructor(caller: Caller, gun: Gun, conversationId: string, dice: Random) {
    this.caller = caller;
    this.gun = gun;
    this.conversationId = conversationId;
    this.dice = dice;
  }

  /** Opens a socket, and applies all missed events. */
  async connect(): Promise<Socket> {
    const { rev, epoch } = this.replica;
    const query = rev > 0 ? `?since=${rev}&epoch=${epoch}` : "";
    const socket = await open(this.caller, this.conversationId, query);
    this.socket = socket;
    this.budget = new SocketBudget();
    this.heard = 0;
    for (;;) {
      const page = await socket.next("sync");
      if (!page.more) break;
      this.budget.command(Date.now());
      socket.send({ op: "sync", since: page.to });
    }
    this.listen(socket);
    return socket;
  }

  /** To be called when the object slept: its budget starts again. */
  slept(): void {
    this.budget = new SocketBudget();
  }

  /**
   * Sends a random batch, up to the object that closes the socket; resolves to what was sent and
   * its answers. Each batch ends with a command that is answered last.
   */
  async shoot(known: Known, badness: number): Promise<{ sent: Shot[]; answers: Answer[] }> {
    const shots = Array.from({ length: 5 + this.dice.below(25) }, () =>
      this.gun.shot(known, badness),
    );
    const fatal = shots.findIndex((shot) => this.isFatal(shot));
    const head = fatal < 0 ? shots : shots.slice(0, fatal);
    const answers = await this.volley(head);
    if (fatal < 0) return { sent: head, answers };
    const last = shots.slice(fatal, fatal + 1);
    return { sent: [...head, ...last], answers: [...answers, ...(await this.lastVolley(last))] };
  }

  /** Whether an object closes the socket: too large, or over the budget. */
  private isFatal({ id, data, bad, op, fields }: Shot): boolean {
    if (typeof data === "string" && data.length > MAX_FRAME_BYTES) return true;
    if (bad) return this.budget.badFrame(Date.now());
    if (op === "send" && !fields["attachments"]) return false;
    const penalty = this.budget.command(Date.now());
    if (penalty === "ignore" && id) this.ignored.add(id);
    return penalty === "end";
  }

  private async volley(shots: Shot[]): Promise<Answer[]> {
    const socket = this.socket ?? (await this.connect());
    for (const frame of framesOf(shots, this.dice)) socket.send(frame);
    // It waits in the conversation's queue, and costs nothing.
    const id = `sentinel ${++this.sentinels}`;
    socket.send({ op: "send", id, content: "" });
    await socket.next("error", (event) => event.id === id);
    return this.listen(socket).filter((answer) => answer.id !== id);
  }

  private async lastVolley(shots: Shot[]): Promise<Answer[]> {
    const socket = this.socket ?? (await this.connect());
    for (const frame of framesOf(shots, this.dice)) socket.send(frame);
    expect((await socket.closed).code).toBe(4400);
    const answers = this.listen(socket);
    this.thrownOut++;
    await this.connect();
    return answers;
  }

  /** Applies the events received since the last call; resolves to the answers to commands. */
  private listen(socket: Socket): Answer[] {
    const answers: Answer[] = [];
    for (const event of socket.events.slice(this.heard)) {
      const isAnswer = event.type === "ack" || event.type === "error";
      if (isAnswer || (event.type === "sync" && event.id !== undefined)) answers.push(event);
      else this.replica.hear(event);
    }
    this.heard = socket.events.length;
    return answers;
  }

  /** Applies the events received since the last batch, up to a revision. */
  async catchUp(rev: number): Promise<void> {
    const socket = this.socket ?? (await this.connect());
    this.listen(socket);
    while (this.replica.rev < rev) {
      const heard = socket.events.length;
      await socket.until(() => socket.events.length > heard);
      this.listen(socket);
    }
  }
}

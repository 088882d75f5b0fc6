import { expect } from "vitest";
import { SocketBudget } from "../../src/conversation/outbound/sockets/socket-budget.ts";
import { MAX_FRAME_BYTES } from "../../src/live/version.ts";
import type { Random } from "../random.ts";
import { type Caller, open, type Socket } from "../support.ts";
import type { Answer } from "./answer.ts";
import { type FuzzObject, framesOf, type KnownState, type ObjectGenerator } from "./fuzz-frames.ts";
import { Replica } from "./replica.ts";

/** A client that sends random objects to a conversation, and reconnects when it is disconnected. */
export class FuzzClient {
  readonly replica = new Replica();
  readonly caller: Caller;
  /**
   * Ids of commands that are ignored, because they exceed the rate of their second and an earlier
   * one was refused.
   */
  readonly ignored = new Set<string>();
  /** How often the server closed the socket. */
  closedByServer = 0;
  private readonly generator: ObjectGenerator;
  private readonly conversationId: string;
  private readonly dice: Random;
  private socket: Socket | undefined;
  private taken = 0;
  private sentinels = 0;
  /** A copy of the object's budget for this socket, to predict which object closes it. */
  private budget = new SocketBudget();

  constructor(caller: Caller, generator: ObjectGenerator, conversationId: string, dice: Random) {
    this.caller = caller;
    this.generator = generator;
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
    this.taken = 0;
    for (;;) {
      const page = await socket.next("sync");
      if (!page.more) break;
      this.budget.command(Date.now());
      socket.send({ op: "sync", since: page.to });
    }
    this.takeAnswers(socket);
    return socket;
  }

  /** To be called when the object slept: its budget starts again. */
  resetBudget(): void {
    this.budget = new SocketBudget();
  }

  /**
   * Sends a random batch, up to the object that closes the socket; resolves to what was sent and
   * its answers. Each batch ends with a command that is answered last.
   */
  async sendBatch(
    known: KnownState,
    badness: number,
  ): Promise<{ sent: FuzzObject[]; answers: Answer[] }> {
    const objects = Array.from({ length: 5 + this.dice.below(25) }, () =>
      this.generator.next(known, badness),
    );
    const fatal = objects.findIndex((object) => this.isFatal(object));
    const head = fatal < 0 ? objects : objects.slice(0, fatal);
    const answers = await this.sendObjects(head);
    if (fatal < 0) return { sent: head, answers };
    const last = objects.slice(fatal, fatal + 1);
    return {
      sent: [...head, ...last],
      answers: [...answers, ...(await this.sendLastObject(last))],
    };
  }

  /** Whether an object closes the socket: too large, or over the budget. */
  private isFatal({ id, data, bad, op, fields }: FuzzObject): boolean {
    if (typeof data === "string" && data.length > MAX_FRAME_BYTES) return true;
    if (bad) return this.budget.badFrame(Date.now());
    if (op === "send" && !fields["attachments"]) return false;
    const penalty = this.budget.command(Date.now());
    if (penalty === "ignore" && id) this.ignored.add(id);
    return penalty === "end";
  }

  private async sendObjects(objects: FuzzObject[]): Promise<Answer[]> {
    const socket = this.socket ?? (await this.connect());
    for (const frame of framesOf(objects, this.dice)) socket.send(frame);
    // It waits in the conversation's queue, and costs nothing.
    const id = `sentinel ${++this.sentinels}`;
    socket.send({ op: "send", id, content: "" });
    await socket.next("error", (event) => event.id === id);
    return this.takeAnswers(socket).filter((answer) => answer.id !== id);
  }

  private async sendLastObject(objects: FuzzObject[]): Promise<Answer[]> {
    const socket = this.socket ?? (await this.connect());
    for (const frame of framesOf(objects, this.dice)) socket.send(frame);
    expect((await socket.closed).code).toBe(4400);
    const answers = this.takeAnswers(socket);
    this.closedByServer++;
    await this.connect();
    return answers;
  }

  /** Applies the events received since the last call; resolves to the answers to commands. */
  private takeAnswers(socket: Socket): Answer[] {
    const answers: Answer[] = [];
    for (const event of socket.events.slice(this.taken)) {
      const isAnswer = event.type === "ack" || event.type === "error";
      if (isAnswer || (event.type === "sync" && event.id !== undefined)) answers.push(event);
      else this.replica.apply(event);
    }
    this.taken = socket.events.length;
    return answers;
  }

  /** Applies the events received since the last batch, up to a revision. */
  async catchUp(rev: number): Promise<void> {
    const socket = this.socket ?? (await this.connect());
    this.takeAnswers(socket);
    while (this.replica.rev < rev) {
      const received = socket.events.length;
      await socket.until(() => socket.events.length > received);
      this.takeAnswers(socket);
    }
  }
}

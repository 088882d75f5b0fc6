import { Buffer } from "node:buffer";
import type { ConversationStub } from "../conversation/api.ts";
import type { SocketBudget } from "../conversation/outbound/sockets/socket-budget.ts";
import type { Batch, GatewayAddress } from "../conversation/outbound/subscribers/gateway-api.ts";
import type { FrameAnswer, Opened } from "../conversation/outbound/subscribers/inbox-room-api.ts";
import type { Actor } from "../domain/policy.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import { isRetryable } from "../edge/failure.ts";
import type { CatchUpPace } from "../gateway/catch-up-pace.ts";
import type { ClientFrame } from "../live/frames.ts";
import { CLOSE } from "../live/version.ts";
import { log } from "../logging.ts";
import { FrameQueue } from "./frame-queue.ts";
import {
  delivered,
  ephemeral,
  fetched,
  mayAnswer,
  missed,
  opened,
  paged,
  type RoomEffect,
  type RoomState,
  refused,
  type Step,
} from "./room-state.ts";

/** An answer that came before the events which it follows waits so long; then these are requested. */
const EVENTS_WITHIN_MS = 500;

export interface RoomOptions {
  conversationId: string;
  actor: Actor;
  address: GatewayAddress;
  /** What the conversation is told of the user's presence. */
  presence: () => ConnectionPresence;
  /** Makes a call; one that follows on another arrives after it. */
  call: <T>(question: (stub: ConversationStub) => Promise<T>) => Promise<T>;
  budget: SocketBudget;
  pace: CatchUpPace;
  /** Sends events of the conversation, in one frame. */
  send: (lines: readonly string[]) => void;
  /** The conversation is not open any more, and not because the client closed it. */
  onClosed: (code: number, reason: string) => void;
  /** The client left too much unread, or was refused too often: its socket is to be closed. */
  onAbuse: (code: number, reason: string) => void;
  /** What {@link Room.kept} says may have changed. */
  onChanged: () => void;
}

/**
 * A conversation that is open over one inbox socket: executes what `room-state.ts` decides, and has the
 * conversation carry out the frames of the client, in order. What fails on the way ends it: the client opens
 * the conversation again and resumes.
 */
export class Room {
  private readonly options: RoomOptions;
  private state: RoomState;
  private isOpen = true;
  private readonly frames: FrameQueue;
  private readonly answers: FrameAnswer[] = [];
  private isAnswering = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RoomOptions, state: RoomState) {
    this.options = options;
    this.state = state;
    this.frames = new FrameQueue(
      {
        carryOut: (frames) => this.carriedOut(frames),
        onAnswers: (answers) => {
          this.answers.push(...answers);
          this.answer();
        },
        onChanged: () => this.isOpen && options.onChanged(),
      },
      state.phase !== "opening",
    );
  }

  get gateway(): string {
    return this.options.address.gateway;
  }

  /** Frames that the conversation has not been given yet. */
  get backlog(): number {
    return this.frames.backlog;
  }

  /** What is stored over hibernation; `undefined`: what is under way would be lost with the object. */
  get kept(): { phase: "live" | "paging"; rev: number } | undefined {
    const { state, frames, answers } = this;
    const isBusy = !frames.isIdle || answers.length > 0;
    if (isBusy || state.phase === "opening" || state.phase === "missing") return undefined;
    return { phase: state.phase, rev: state.rev };
  }

  /** The conversation was opened, at revision `rev`. */
  opened({ hello, page, rev }: Opened): void {
    this.take(opened(this.state, hello, page, rev));
    if (this.isOpen) this.frames.start();
  }

  deliver(batch: Batch): void {
    this.take(delivered(this.state, batch));
  }

  deliverEphemeral(line: string): void {
    this.take(ephemeral(this.state, line, presenceOf));
  }

  /** Has the conversation carry out a frame, after those before it. */
  submit(frame: ClientFrame): void {
    this.frames.push(frame);
  }

  /** Nothing is sent from now on. */
  end(): void {
    this.isOpen = false;
    this.frames.end();
    clearTimeout(this.timer);
  }

  private take({ state, effects }: Step): void {
    if (!this.isOpen) return;
    this.state = state;
    for (const effect of effects) {
      if (this.isOpen) this.execute(effect);
    }
    this.answer();
    if (this.isOpen) this.options.onChanged();
  }

  private execute(effect: RoomEffect): void {
    switch (effect.type) {
      case "send":
        this.options.send(effect.lines);
        break;
      case "fetch":
        void this.fetch(effect.since);
        break;
      case "close":
        this.close(effect.code, effect.reason);
    }
  }

  /** Ends it, and says so. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.end();
    this.options.onClosed(code, reason);
  }

  private carriedOut(frames: readonly ClientFrame[]): Promise<FrameAnswer[] | undefined> {
    const { actor, address, presence } = this.options;
    const isRepeatable = frames.every(mayRepeat);
    return this.called(
      (stub) => stub.answerFrames(actor, { ...address, presence: presence() }, frames),
      (error) => isRepeatable && isRetryable(error),
    );
  }

  /** Requests what is missing; the client has not asked for it, so that its pace is limited. */
  private async fetch(since: number): Promise<void> {
    const { actor, address, presence, pace, budget, conversationId } = this.options;
    const frame = { op: "sync", since, id: undefined } as const;
    const answers = await pace.paced(
      () =>
        this.called(
          (stub) => stub.answerFrames(actor, { ...address, presence: presence() }, [frame]),
          () => true,
        ),
      (answers) => (answers?.[0]?.type === "page" ? answers[0].page.frame.length : 0),
    );
    const answer = answers?.[0];
    if (!this.isOpen || !answer) return;
    if (answer.type !== "page") {
      this.take(refused(this.state, since));
      return;
    }
    const { frame: text, to } = answer.page;
    if (budget.paced(Buffer.byteLength(text), Date.now(), to, conversationId)) {
      this.take(fetched(this.state, since, answer.page));
    } else this.options.onAbuse(CLOSE.goingAway, "too much asked for on one socket");
  }

  /** Makes a call, and once more if it may be repeated; `undefined`: it failed, and the room has ended. */
  async called<T>(
    question: (stub: ConversationStub) => Promise<T>,
    mayBeRepeated: (error: unknown) => boolean,
  ): Promise<T | undefined> {
    if (!this.isOpen) return undefined;
    const { call, conversationId } = this.options;
    try {
      return await call(question).catch((error) => {
        if (!mayBeRepeated(error)) throw error;
        return call(question);
      });
    } catch (error) {
      log("call_failed", { conversationId, error });
      this.close(CLOSE.goingAway, "please open it again");
      return undefined;
    }
  }

  /** Sends the answers whose turn it is: in order, and behind the events that they follow. */
  private answer(): void {
    if (this.isAnswering) return;
    this.isAnswering = true;
    for (let [answer] = this.answers; this.isOpen && answer; [answer] = this.answers) {
      if (answer.type === "answer" && !mayAnswer(this.state, answer.after)) {
        this.awaitEvents(answer.after);
        break;
      }
      this.answers.shift();
      this.sendAnswer(answer);
    }
    this.isAnswering = false;
    if (this.isOpen) this.options.onChanged();
  }

  private sendAnswer(answer: FrameAnswer): void {
    const { budget, send, onAbuse, conversationId } = this.options;
    const isRead = (text: string, to?: number) =>
      budget.answered(Buffer.byteLength(text), Date.now(), to, conversationId);
    switch (answer.type) {
      case "answer":
        send([answer.text]);
        if (answer.refused === "rate" && budget.refusedSend(Date.now())) {
          onAbuse(CLOSE.abuse, "too many commands");
        }
        break;
      case "history":
        if (isRead(answer.text)) send([answer.text]);
        else onAbuse(CLOSE.goingAway, "too much asked for and not read");
        break;
      case "page": {
        const { page } = answer;
        if (isRead(page.frame, page.to)) this.take(paged(this.state, page));
        else onAbuse(CLOSE.goingAway, "too much asked for and not read");
        break;
      }
      case "none":
    }
  }

  private awaitEvents(rev: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const [answer] = this.answers;
      if (answer?.type === "answer" && answer.after <= rev) this.take(missed(this.state, rev));
      else this.answer();
    }, EVENTS_WITHIN_MS);
  }
}

/** Whether a frame may be carried out twice without a different result. */
function mayRepeat(frame: ClientFrame): boolean {
  return frame.op === "send" ? frame.clientMessageId !== undefined : frame.op !== "unreact";
}

/** Whose presence an event without a revision is. */
function presenceOf(line: string): string | undefined {
  const event: { type: string; userId: string } = JSON.parse(line);
  return event.type === "presence" ? event.userId : undefined;
}

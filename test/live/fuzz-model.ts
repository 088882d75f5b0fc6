import { expect } from "vitest";
import type { Answer } from "./answer.ts";
import type { FuzzObject } from "./fuzz-frames.ts";
import type { Replica } from "./replica.ts";

/** The expected content of the conversation, derived only from acknowledged commands. */
export class Model {
  /** By number: message n is at index n - 1. */
  readonly messages: { id: string; content: string; senderId: string; deleted: boolean }[] = [];
  /** The highest revision that was acknowledged. */
  rev = 0;
  private readonly byKey = new Map<string, { id: string; body: string }>();

  get ids(): string[] {
    return this.messages.map(({ id }) => id);
  }

  /**
   * Checks that each command that is not ignored has exactly one answer, that each other object has
   * an error without an id, and that there are no other answers.
   */
  checkAnswers(
    userId: string,
    sent: readonly FuzzObject[],
    answers: readonly Answer[],
    ignored: ReadonlySet<string>,
  ): void {
    const commands = new Map(sent.map((object) => [object.id, object]));
    const anonymous = answers.filter(({ id }) => id === undefined);
    expect(anonymous.length).toBe(sent.filter(({ id }) => id === undefined).length);
    for (const answer of anonymous) {
      expect(answer.type === "error" && answer.code).toMatch(/^(invalid_frame|frame_too_large)$/);
    }
    const answered = new Set<string>();
    for (const answer of answers) {
      if (answer.id === undefined) continue;
      const id = String(answer.id);
      const object = commands.get(id);
      if (!object || answered.has(id)) throw new Error(`unasked: ${JSON.stringify(answer)}`);
      answered.add(id);
      this.checkAnswer(userId, object, answer);
    }
    const silent = sent.filter(
      ({ id, op }) => id && op !== "typing" && answered.has(id) === ignored.has(id),
    );
    expect(silent.map(({ data }) => data)).toEqual([]);
  }

  /** Checks an answer against its command, and applies what was acknowledged. */
  private checkAnswer(userId: string, object: FuzzObject, answer: Answer): void {
    const context = `${JSON.stringify(answer).slice(0, 300)} to ${String(object.data).slice(0, 300)}`;
    if (object.bad) {
      expect(answer, context).toMatchObject({ type: "error", code: "invalid_frame" });
      return;
    }
    if (answer.type === "error") {
      expect(answer.code, context).not.toMatch(/^(internal|invalid_frame|not_a_member)$/);
      if (answer.code === "idempotency_conflict") {
        const first = this.byKey.get(keyOf(userId, object));
        expect(first && first.body !== bodyOf(object), context).toBe(true);
      }
      return;
    }
    const reading = object.op === "history" || object.op === "sync";
    expect(answer.type, context).toBe(reading ? "sync" : "ack");
    if (answer.type === "ack") this.acknowledged(userId, object, answer, context);
  }

  private acknowledged(
    userId: string,
    object: FuzzObject,
    ack: Extract<Answer, { type: "ack" }>,
    context: string,
  ): void {
    const { messageId = "", rev } = ack;
    this.rev = Math.max(this.rev, rev);
    if (object.op === "send") {
      const key = keyOf(userId, object);
      const before = this.byKey.get(key);
      if (ack.deduplicated) {
        expect(before, context).toEqual({ id: messageId, body: bodyOf(object) });
        return;
      }
      expect(before, context).toBeUndefined();
      if (object.fields["clientMessageId"]) {
        this.byKey.set(key, { id: messageId, body: bodyOf(object) });
      }
      const content = String(object.fields["content"]).trim();
      this.messages.push({ id: messageId, content, senderId: userId, deleted: false });
    }
    const message = this.messages.find(({ id }) => id === messageId);
    if (object.op === "edit" || object.op === "delete") {
      expect(message?.senderId, context).toBe(userId);
      if (!message) return;
      if (object.op === "delete") Object.assign(message, { content: "", deleted: true });
      else expect(message.deleted, context).toBe(false);
      if (object.op === "edit") message.content = String(object.fields["content"]).trim();
    }
  }
}

function keyOf(userId: string, object: FuzzObject): string {
  const key = object.fields["clientMessageId"];
  return key === undefined ? "" : `${userId} ${key}`;
}

function bodyOf({ fields }: FuzzObject): string {
  const { content, replyTo, metadata, attachments } = fields;
  return JSON.stringify([String(content).trim(), replyTo, metadata, attachments]);
}

/** The number of unread messages of a user, counted one by one from the whole log. */
export function naiveUnread(whole: Replica, userId: string): number {
  const reads = whole.state.reads.filter((read) => read.userId === userId);
  return whole.state.messages.filter(
    ({ number, senderId, deletedAt }) =>
      senderId !== userId &&
      deletedAt === null &&
      !reads.some(({ from, to }) => from <= number && number <= to),
  ).length;
}

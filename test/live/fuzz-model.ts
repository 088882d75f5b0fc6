import { expect } from "vitest";
import type { Answer } from "./answer.ts";
import type { Shot } from "./fuzz-frames.ts";
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
  judge(
    userId: string,
    sent: readonly Shot[],
    answers: readonly Answer[],
    ignored: ReadonlySet<string>,
  ): void {
    const commands = new Map(sent.map((shot) => [shot.id, shot]));
    const anonymous = answers.filter(({ id }) => id === undefined);
    expect(anonymous.length).toBe(sent.filter(({ id }) => id === undefined).length);
    for (const answer of anonymous) {
      expect(answer.type === "error" && answer.code).toMatch(/^(invalid_frame|frame_too_large)$/);
    }
    const answered = new Set<string>();
    for (const answer of answers) {
      if (answer.id === undefined) continue;
      const id = String(answer.id);
      const shot = commands.get(id);
      if (!shot || answered.has(id)) throw new Error(`unasked: ${JSON.stringify(answer)}`);
      answered.add(id);
      this.answered(userId, shot, answer);
    }
    const silent = sent.filter(
      ({ id, op }) => id && op !== "typing" && answered.has(id) === ignored.has(id),
    );
    expect(silent.map(({ data }) => data)).toEqual([]);
  }

  /** Checks an answer against its command, and applies what was acknowledged. */
  private answered(userId: string, shot: Shot, answer: Answer): void {
    const told = `${JSON.stringify(answer).slice(0, 300)} to ${String(shot.data).slice(0, 300)}`;
    if (shot.bad) {
      expect(answer, told).toMatchObject({ type: "error", code: "invalid_frame" });
      return;
    }
    if (answer.type === "error") {
      expect(answer.code, told).not.toMatch(/^(internal|invalid_frame|not_a_member)$/);
      if (answer.code === "idempotency_conflict") {
        const first = this.byKey.get(keyOf(userId, shot));
        expect(first && first.body !== bodyOf(shot), told).toBe(true);
      }
      return;
    }
    const reading = shot.op === "history" || shot.op === "sync";
    expect(answer.type, told).toBe(reading ? "sync" : "ack");
    if (answer.type === "ack") this.acknowledged(userId, shot, answer, told);
  }

  private acknowledged(
    userId: string,
    shot: Shot,
    ack: Extract<Answer, { type: "ack" }>,
    told: string,
  ): void {
    const { messageId = "", rev } = ack;
    this.rev = Math.max(this.rev, rev);
    if (shot.op === "send") {
      const key = keyOf(userId, shot);
      const before = this.byKey.get(key);
      if (ack.deduplicated) {
        expect(before, told).toEqual({ id: messageId, body: bodyOf(shot) });
        return;
      }
      expect(before, told).toBeUndefined();
      if (shot.fields["clientMessageId"]) {
        this.byKey.set(key, { id: messageId, body: bodyOf(shot) });
      }
      const content = String(shot.fields["content"]).trim();
      this.messages.push({ id: messageId, content, senderId: userId, deleted: false });
    }
    const message = this.messages.find(({ id }) => id === messageId);
    if (shot.op === "edit" || shot.op === "delete") {
      expect(message?.senderId, told).toBe(userId);
      if (!message) return;
      if (shot.op === "delete") Object.assign(message, { content: "", deleted: true });
      else expect(message.deleted, told).toBe(false);
      if (shot.op === "edit") message.content = String(shot.fields["content"]).trim();
    }
  }
}

function keyOf(userId: string, shot: Shot): string {
  const key = shot.fields["clientMessageId"];
  return key === undefined ? "" : `${userId} ${key}`;
}

function bodyOf({ fields }: Shot): string {
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

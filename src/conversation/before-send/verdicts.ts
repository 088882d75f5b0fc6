import type { Reply } from "./verdict.ts";

/** Answers that are kept at most. */
const MAX_KEPT = 1_000;

/**
 * Questions under way, and the hook's recent answers, by the id of their question: the same question, under way
 * or answered, is not asked again. A question that got no answer is. In memory only.
 */
export class Verdicts {
  /** As many as their caller asks at a time. */
  private readonly underWay = new Map<string, Promise<Reply>>();
  private readonly answered = new Map<string, Reply>();

  has(id: string): boolean {
    return this.underWay.has(id) || this.answered.has(id);
  }

  /** `ask` never rejects. */
  of(id: string, ask: () => Promise<Reply>): Promise<Reply> {
    const answered = this.answered.get(id);
    if (answered) return Promise.resolve(answered);
    const known = this.underWay.get(id);
    if (known) return known;
    const asked = ask().then((reply) => {
      this.underWay.delete(id);
      if (reply.action !== "none") this.keep(id, reply);
      return reply;
    });
    this.underWay.set(id, asked);
    return asked;
  }

  private keep(id: string, reply: Reply): void {
    this.answered.set(id, reply);
    if (this.answered.size <= MAX_KEPT) return;
    for (const oldest of this.answered.keys()) {
      this.answered.delete(oldest);
      break;
    }
  }
}

import type { Reply } from "./verdict.ts";

/** Answers that are kept at most, those under way included. */
const MAX_KEPT = 1_000;

/**
 * The hook's recent answers, by the id of their question: the same question, under way or answered, is not
 * asked again. A question that got no answer is. In memory only.
 */
export class Verdicts {
  private readonly byId = new Map<string, Promise<Reply>>();

  has(id: string): boolean {
    return this.byId.has(id);
  }

  /** `ask` never rejects. */
  of(id: string, ask: () => Promise<Reply>): Promise<Reply> {
    const known = this.byId.get(id);
    if (known) return known;
    const asked = ask().then((reply) => {
      if (reply.action === "none") this.byId.delete(id);
      return reply;
    });
    this.byId.set(id, asked);
    if (this.byId.size > MAX_KEPT) {
      for (const oldest of this.byId.keys()) {
        this.byId.delete(oldest);
        break;
      }
    }
    return asked;
  }
}

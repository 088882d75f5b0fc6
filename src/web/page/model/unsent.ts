import * as z from "zod";

const unsent = z.object({
  conversationId: z.string(),
  clientMessageId: z.string(),
  content: z.string().optional(),
  replyTo: z.string().optional(),
  attachments: z.array(z.string()).optional(),
});
/** A message that is not confirmed, with the key that keeps it from arriving twice. */
export type Unsent = z.infer<typeof unsent>;

/** A message that the server refused, and why. */
export interface Failed {
  message: Unsent;
  reason: string;
}

/**
 * What somebody has written and the server has not confirmed, kept in the browser: a page that is
 * reloaded sends it again, under the same key.
 */
export class UnsentMessages {
  private readonly key: string;

  constructor(userId: string) {
    this.key = `parley:unsent:${userId}`;
  }

  get all(): Unsent[] {
    try {
      return z.array(unsent).parse(JSON.parse(localStorage.getItem(this.key) ?? "[]"));
    } catch {
      // No storage here, or nothing of ours in it: then nothing is kept.
      return [];
    }
  }

  keep(message: Unsent): void {
    this.put([...this.without(message.clientMessageId), message]);
  }

  forget(clientMessageId: string): void {
    this.put(this.without(clientMessageId));
  }

  private without(clientMessageId: string): Unsent[] {
    return this.all.filter((message) => message.clientMessageId !== clientMessageId);
  }

  private put(messages: Unsent[]): void {
    try {
      localStorage.setItem(this.key, JSON.stringify(messages));
    } catch {
      // Full or forbidden: the message is sent all the same, as long as the page stays.
    }
  }
}

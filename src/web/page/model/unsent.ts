import * as z from "zod";

const unsent = z.object({
  conversationId: z.string(),
  clientMessageId: z.string(),
  content: z.string().optional(),
  replyTo: z.string().optional(),
  attachments: z.array(z.string()).optional(),
});
/** An unconfirmed message, with the key that makes its retries idempotent. */
export type Unsent = z.infer<typeof unsent>;

/** A message that the server refused, and why. */
export interface Failed {
  message: Unsent;
  reason: string;
}

/**
 * Messages that the server has not confirmed, kept in the browser: a reloaded page sends them again,
 * under the same keys.
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
      // Storage is unavailable, or its content is not ours: nothing is restored.
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
      // Storage is full or forbidden: the message is still sent while the page is open.
    }
  }
}

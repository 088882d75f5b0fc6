import type { Live, Rest } from "./client.ts";

/** The number of sends that a socket, or the REST client, keeps in flight. */
const IN_FLIGHT = 8;

/**
 * Clients that send without pause until the server is killed, and record the acknowledgements.
 * Every text is sent once and is its own `clientMessageId`.
 */
export class Chatter {
  readonly said = new Set<string>();
  /** The ids of acknowledged messages, by text. */
  readonly acknowledged = new Map<string, string>();
  /** Set before the server is killed: from then on failures are expected. */
  ending = false;
  private waiting: (() => void) | undefined;

  /** Resolves as soon as this many messages are acknowledged. */
  async acknowledgedAtLeast(count: number): Promise<void> {
    while (this.acknowledged.size < count) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
  }

  /** The texts sent by one client, in order. */
  by(name: string): string[] {
    return [...this.said].filter((text) => text.startsWith(`${name}/`));
  }

  async overSocket(socket: Live, name: string): Promise<void> {
    for (let sends = 0, acks = 0; ; ) {
      for (; sends < acks + IN_FLIGHT; sends++) {
        const text = this.next(name, sends);
        socket.send(text, text);
      }
      const known = acks;
      try {
        await socket.until(() => socket.all("ack").length > known);
      } catch (error) {
        if (this.ending) return;
        throw error;
      }
      for (const ack of socket.all("ack").slice(known)) {
        this.remember(String(ack.id), ack.messageId);
        acks++;
      }
    }
  }

  async overRest(rest: Rest, conversationId: string, name: string): Promise<void> {
    const talk = async (line: string) => {
      for (let sends = 0; ; sends++) {
        const text = this.next(line, sends);
        try {
          this.remember(text, (await rest.send(conversationId, text, text)).messageId);
        } catch (error) {
          // No answer, or an error of a server that is shutting down: not acknowledged.
          if (this.ending) return;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => talk(`${name}/${i}`)));
  }

  private next(line: string, number: number): string {
    const text = `${line}/${number}`;
    this.said.add(text);
    return text;
  }

  private remember(text: string, messageId: string | undefined): void {
    if (messageId === undefined) throw new Error(`acknowledged without an id: ${text}`);
    this.acknowledged.set(text, messageId);
    this.waiting?.();
  }
}

import type { Batch, GatewayAddress } from "../conversation/outbound/subscribers/gateway-api.ts";
import type { Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import { CatchUpPace } from "./catch-up-pace.ts";
import type { Conversations } from "./conversations.ts";

export interface MissingPagesOptions {
  actor: Actor;
  address: GatewayAddress;
  /** Resolves when the client has taken what it was sent; `undefined`: it has. */
  drained: () => Promise<void> | undefined;
}

/** Fetches what one connection is missing, at the pace of {@link CatchUpPace}. */
export class MissingPages {
  private readonly options: MissingPagesOptions;
  private readonly conversations: Conversations;
  private readonly pace = new CatchUpPace();

  constructor(options: MissingPagesOptions, conversations: Conversations) {
    this.options = options;
    this.conversations = conversations;
  }

  /**
   * The next page after `since`, once the client has taken what it was sent before: at most a page waits in
   * memory for a client that polls, in however many conversations it missed something.
   */
  fetch(id: string, since: number, known: number): Promise<Result<Batch>> {
    const { actor, address, drained } = this.options;
    return this.pace.page(async () => {
      const page = await this.conversations.ask(id, (stub) =>
        stub.eventsSince(actor, since, known, address.origin),
      );
      for (let until = drained(); until; until = drained()) await until;
      return page;
    });
  }
}

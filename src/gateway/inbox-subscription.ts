import type { InboxList, InboxStub } from "../conversation/outbound/inboxes/inbox-api.ts";
import type { Protocol } from "../conversation/outbound/subscribers/gateway-api.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import { isService, type PlatformRole } from "../domain/policy.ts";

export interface InboxSubscriptionOptions {
  inbox: InboxStub;
  protocol: Protocol;
  gateway: string;
  /** Of the connection: a service is in no conversation. */
  role: PlatformRole;
  /** Whether rows are to be passed to the client from now on; survives hibernation. */
  keep: (isSubscribed: boolean) => void;
}

/** What a connection of Socket.IO or SignalR has of its user's inbox. */
export class InboxSubscription {
  private readonly options: InboxSubscriptionOptions;
  private readonly timeouts = new CallTimeouts();

  constructor(options: InboxSubscriptionOptions) {
    this.options = options;
  }

  /**
   * Subscribes, and resolves to a page of the list: the first one, or the one behind `after`. Rows may come
   * before the page does; clients keep the newer version of each.
   */
  async list(after: string | undefined): Promise<Result<InboxList>> {
    const { inbox, protocol, gateway, keep, role } = this.options;
    if (isService({ role })) return fail("forbidden", { message: "A service has no inbox." });
    if (after === undefined) {
      keep(true);
      if (!(await this.timeouts.limit(inbox.follow(protocol, gateway)))) {
        keep(false);
        return fail("rate_limited", { message: "Too many connections follow this inbox." });
      }
    }
    return await this.timeouts.limit(inbox.list(after));
  }

  async end(): Promise<Result<null>> {
    const { inbox, gateway, keep } = this.options;
    keep(false);
    await this.timeouts.limit(inbox.unfollow(gateway));
    return ok(null);
  }
}

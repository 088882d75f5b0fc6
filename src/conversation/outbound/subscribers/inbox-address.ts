import type { Reader } from "../event-lines.ts";
import type { GatewayAddress } from "./gateway-api.ts";

/**
 * An inbox is subscribed to a conversation once for each form that events have on its sockets, however many
 * sockets they are: one form, unless some clients request reaction events, or, without a PUBLIC_URL, have
 * connected to different addresses. The form is in the name of the subscription.
 */
export function inboxAddress(userId: string, { origin, lean }: Reader): GatewayAddress {
  return { gateway: `${lean ? LEAN : "whole"} ${origin} ${userId}`, protocol: "inbox", origin };
}

const LEAN = "lean";

/** Whose inbox it is, by the name of its subscription. */
export function inboxOwner(gateway: string): string {
  return gateway.split(" ").slice(2).join(" ");
}

/** In which form a subscriber gets events. */
export function readerOf({ gateway, protocol, origin }: GatewayAddress): Reader {
  return { origin, lean: protocol === "inbox" && gateway.startsWith(`${LEAN} `) };
}

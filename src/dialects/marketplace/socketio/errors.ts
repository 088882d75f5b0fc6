import { ERRORS } from "../../../domain/error.ts";
import { LIMITER_PERIOD_MS } from "../../../edge/limiter.ts";

/** Engine.IO's refusals of a request, with its codes: clients open a new connection. */
const REFUSALS = {
  unknownTransport: [400, 0, "Transport unknown"],
  unknownSession: [400, 1, "Session ID unknown"],
  badMethod: [400, 2, "Bad handshake method"],
  badRequest: [400, 3, "Bad request"],
  forbidden: [403, 4, "Forbidden"],
  unsupportedVersion: [400, 5, "Unsupported protocol version"],
  /** Its code, but the sentence is that of the other APIs. */
  banned: [403, 4, ERRORS.banned[1]],
  /** Not one of Engine.IO's: too many connections or requests from one address. */
  tooMany: [429, 4, "Forbidden"],
} as const;

export function engineRefusal(reason: keyof typeof REFUSALS): Response {
  const [status, code, message] = REFUSALS[reason];
  const seconds = String(LIMITER_PERIOD_MS / 1_000);
  const headers = status === 429 ? { "Retry-After": seconds } : {};
  return Response.json({ code, message }, { status, headers });
}

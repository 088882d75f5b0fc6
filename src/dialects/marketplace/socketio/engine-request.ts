import { z } from "zod";
import { IDENTITY_HEADER } from "../../../conversation/api.ts";
import { identitySchema } from "../../../conversation/identity.ts";

/** A request of Engine.IO as the Worker passes it to the object; a client cannot set it. */
const engineRequest = z.object({
  /** The connection's id, as the client knows it. */
  id: z.string(),
  /** Whether the request opens the connection. */
  fresh: z.boolean(),
  /** Whose token came with the request, if one did. */
  seat: identitySchema.nullable(),
  origin: z.string(),
});
export type EngineRequest = z.infer<typeof engineRequest>;

export function engineRequestOf(request: Request): EngineRequest {
  const header = request.headers.get(IDENTITY_HEADER);
  return engineRequest.parse(JSON.parse(decodeURIComponent(header ?? "null")));
}

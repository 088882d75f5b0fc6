import { z } from "zod";
import { identitySchema } from "../conversation/identity.ts";
import { MAX_ROOMS } from "./limits.ts";

/** What a socket's attachment keeps over hibernation: everything that a connection needs. */
export const attachmentSchema = z.object({
  /** `pending`: the protocol's own handshake has not been made on this socket. */
  stage: z.enum(["pending", "open"]),
  /** Whose connection it is. */
  seat: identitySchema.nullable(),
  rooms: z.array(z.tuple([z.string(), z.number()])),
  /** When the client last sent something other than a heartbeat. */
  heardAt: z.number(),
  /** Joins that are not counted: a client that reconnects joins all of its conversations at once. */
  freeJoins: z.number().default(MAX_ROOMS),
  /** The user's inbox knows of the connection. */
  reported: z.boolean().default(false),
  /** Others may see that its person is connected; of the previous version: they may. */
  visible: z.boolean().default(true),
  /** The client is passed the rows of its user's inbox. */
  inbox: z.boolean().default(false),
});
export type ConnectionAttachment = z.infer<typeof attachmentSchema>;

export const NEW_CONNECTION: ConnectionAttachment = {
  stage: "pending",
  seat: null,
  rooms: [],
  heardAt: 0,
  freeJoins: MAX_ROOMS,
  reported: false,
  visible: false,
  inbox: false,
};

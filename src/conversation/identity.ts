import { z } from "zod";
import { type Actor, PLATFORM_ROLES } from "../domain/policy.ts";

/** Who is connected by a socket, as the Worker verified it. Kept in its attachment over hibernation. */
export const identitySchema = z.object({
  userId: z.string(),
  name: z.string().nullable(),
  avatarUrl: z.string().nullable(),
  role: z.enum(PLATFORM_ROLES),
  /** When the token expires, in milliseconds since the epoch. */
  expiresAt: z.number(),
  /** The address that they connected to: links to files start with it, unless PUBLIC_URL is set. */
  origin: z.string(),
});
export type ConnectionIdentity = z.infer<typeof identitySchema>;

/** A socket's person as one who acts: `/live` is for members only. */
export function actorOf({ userId, name, avatarUrl, role }: ConnectionIdentity): Actor {
  return { userId, name, avatarUrl, role, reach: "member" };
}

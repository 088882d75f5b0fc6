/** How long an invitation to a channel is valid: 30 days in milliseconds. */
export const INVITATION_MS = 30 * 24 * 60 * 60_000;

/** Whether an invitation is still valid. An expired one is treated as absent. */
export function invitationHolds(invitedAt: number | undefined, now: number): boolean {
  return invitedAt !== undefined && now - invitedAt <= INVITATION_MS;
}

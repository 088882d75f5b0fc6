/** Milliseconds for which an invitation to a channel holds: 30 days. */
export const INVITATION_MS = 30 * 24 * 60 * 60_000;

/** Whether somebody who was invited at a time may still come. One that has expired is as if not there. */
export function invitationHolds(invitedAt: number | undefined, now: number): boolean {
  return invitedAt !== undefined && now - invitedAt <= INVITATION_MS;
}

/** Members that a row of an inbox names: the first, in order of their ids. */
export const PREVIEWED_MEMBERS = 8;
/** Code points of a message's text that a row has. */
export const PREVIEW_LENGTH = 200;

/** What orders the versions of a row. */
interface Version {
  epoch: string;
  rev: number;
}

/** Whether a version of a row replaces another one. The same version may come twice. */
export function replaces(next: Version, known: Version | undefined): boolean {
  if (!known || next.epoch > known.epoch) return true;
  return next.epoch === known.epoch && next.rev >= known.rev;
}

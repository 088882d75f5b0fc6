const MIN_MS = 1_000;
const MAX_MS = 60_000;

/** How long to wait after so many failures in a row, at least one: 1 s at first, doubled up to 60 s. */
export function backoffMs(failures: number): number {
  return Math.min(MAX_MS, MIN_MS * 2 ** (failures - 1));
}

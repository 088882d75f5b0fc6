/**
 * Seeds of the short form, which runs one round for each: the first is arbitrary, the others once
 * failed.
 */
export const PINNED = [1, 20_261_123, 522_977];

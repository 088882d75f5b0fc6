/** Seeds that the short form runs, one after another: the first to start with, then those that once failed. */
export const PINNED = [1, 20_261_123, 522_977];

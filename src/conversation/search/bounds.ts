/**
 * What a search and the index behind it do at a time. The clock does not advance within a turn, so that work is
 * bounded by messages and characters: no slice may hold the object for more than 50 ms.
 */
export interface SearchBounds {
  /** A conversation of at most so many messages has no index: it is scanned. */
  scanned: number;
  /** The newest messages in question are scanned even so: where hits are frequent, that reads least. */
  newest: number;
  /** Numbers of messages that one slice of a scan goes through, in SQLite. */
  scanSlice: number;
  /** Candidates that are looked at within a turn, and characters of them, at most, after the first. */
  candidates: number;
  candidateUnits: number;
  /** Characters of the hits of one answer, after the first: where matches are takes a microsecond for each. */
  answerUnits: number;
  /** Tables of the index that are asked within a turn. */
  shardsATurn: number;
  /** Messages that one slice adds to the index, and characters of them, at most, after the first. */
  indexSlice: number;
  indexUnits: number;
  /**
   * Messages of one table of the index, and characters of tokens. It bounds what merging it takes, and finding all
   * words that begin with a letter: in a table of 100,000 messages, each takes up to 100 ms.
   */
  shardMessages: number;
  shardUnits: number;
  /** New messages that the index may lack, and changed ones; searches read them themselves. */
  newLag: number;
  changedLag: number;
  /** The storage of an object beyond which no index grows: it has 10 GB. */
  maxStorage: number;
  /** How long a search goes on; then it answers how far it came. Callers wait 2.5 seconds. */
  maxMs: number;
}

export const SEARCH_BOUNDS: SearchBounds = {
  scanned: 5_000,
  newest: 200,
  scanSlice: 1_000,
  candidates: 500,
  candidateUnits: 100_000,
  shardsATurn: 4,
  answerUnits: 40_000,
  indexSlice: 125,
  indexUnits: 8_000,
  shardMessages: 10_000,
  shardUnits: 1_000_000,
  newLag: 500,
  changedLag: 50,
  maxStorage: 5 * 1024 ** 3,
  maxMs: 1_500,
};

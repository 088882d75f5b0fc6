/** The state of a connection. */
export type Status =
  /** A connection is being opened or is catching up; `reason`: what that waits for. */
  | { state: "connecting"; reason?: string }
  /** Up to date; events arrive as they happen. */
  | { state: "live" }
  /** The connection was lost; the next attempt starts after `retryInMs`. `code`: the server's, if it closed. */
  | { state: "offline"; reason: string; retryInMs: number; code?: number }
  /** No further attempts. `code` is the server's; absent: the caller closed. */
  | { state: "closed"; code?: number; reason: string };

/** What a session needs of its connection. */
export interface Link {
  /** The start of the backoff, from `hello`. */
  firstWaitMs: number;
  /** Connects now, also while a wait for the next attempt is running. */
  open(): void;
  /** Finds out now whether the connection still stands; without one, opens one now. */
  wake(): void;
  /** Sends one frame; without a connection it is lost. */
  send(frame: object): void;
  /** The session has caught up: the backoff is reset. */
  live(): void;
  /** Runs an action after a wait, unless the connection has ended by then. */
  later(task: () => void, milliseconds?: number): void;
  /** The server refuses the connection because there are too many of this person. */
  refusedAsCrowded(): void;
  /** Gives the connection up as dead and tries again. */
  drop(reason: string): void;
  /** Ends everything; `code` is the server's, if it was the server who ended it. */
  close(reason: string, code?: number): void;
}

/** Whether a user blocks another, as the inbox of the user has it. */
export interface Block {
  /** Who blocks. */
  userId: string;
  blockedId: string;
  /** False: they no longer do. */
  blocked: boolean;
  /** Rises with each change of the user's blocks: of two facts about the same people the higher one holds. */
  version: number;
}

/** People whom one user blocks at most. */
export const MAX_BLOCKS = 1_000;

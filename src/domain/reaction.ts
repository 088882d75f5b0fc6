/** One emoji on a message: how many people left it, and the first of them. */
export interface ReactionSummary {
  emoji: string;
  count: number;
  /** The first {@link REACTION_PEOPLE}, in the order in which they reacted. */
  userIds: string[];
}

/** People that a reaction names. */
export const REACTION_PEOPLE = 20;

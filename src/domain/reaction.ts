/** The twenty emojis of the UniHub reference, in its order. */
export const EMOJIS = [
  ...["👍", "👎", "❤️", "😂", "😮", "😢", "😡", "🎉", "🔥", "👏"],
  ...["✅", "❌", "⭐", "💯", "🙏", "💪", "👀", "🤔", "😍", "🥳"],
] as const;
export type Emoji = (typeof EMOJIS)[number];

/** People listed in a reaction summary at most. */
export const REACTION_PEOPLE = 20;

/** One emoji on a message: how many people reacted with it, and the first of them. */
export interface ReactionSummary {
  emoji: string;
  count: number;
  /** The first {@link REACTION_PEOPLE}, in the order in which they reacted. */
  userIds: string[];
}

const VARIATION_SELECTOR = "\u{fe0f}";
const BY_PLAIN_FORM = new Map<string, Emoji>(EMOJIS.map((emoji) => [plain(emoji), emoji]));

/** The supported emoji in a text, with or without a variation selector. */
export function emojiOf(text: string): Emoji | undefined {
  return BY_PLAIN_FORM.get(plain(text));
}

/** The summaries with one more person for an emoji; a new emoji comes last. */
export function withReaction(
  summaries: readonly ReactionSummary[],
  emoji: string,
  userId: string,
): ReactionSummary[] {
  if (!summaries.some((summary) => summary.emoji === emoji)) {
    return [...summaries, { emoji, count: 1, userIds: [userId] }];
  }
  return summaries.map((summary) => {
    if (summary.emoji !== emoji) return summary;
    const { count, userIds } = summary;
    const named = userIds.length < REACTION_PEOPLE ? [...userIds, userId] : userIds;
    return { emoji, count: count + 1, userIds: named };
  });
}

/** The summaries with one person less for an emoji; `first` are its first remaining people. */
export function withoutReaction(
  summaries: readonly ReactionSummary[],
  emoji: string,
  first: readonly string[],
): ReactionSummary[] {
  return summaries.flatMap((summary) => {
    if (summary.emoji !== emoji) return [summary];
    return summary.count > 1 ? [{ emoji, count: summary.count - 1, userIds: [...first] }] : [];
  });
}

function plain(emoji: string): string {
  return emoji.replaceAll(VARIATION_SELECTOR, "");
}

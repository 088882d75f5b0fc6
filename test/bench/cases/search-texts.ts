/** Texts to search in, the same for every subject: words as frequent as in a language, and Chinese. */

/** What is looked for; none of it is among the words that the texts are made of. */
export const RARE = "zanzibar";
export const COMMON = "project";
export const PHRASE = ["purple", "elephant"] as const;
/** Three characters, because FTS5's trigrams find no fewer. */
export const CHINESE = "珊瑚礁";
export const NOTHING = "xyzzyx";

const SYLLABLES =
  "ba be bo da de do fi ga ke la le li lo ma me mi na no pa ra re ri sa se ta te ti to va zu".split(
    " ",
  );
const CHARACTERS = Array.from(
  "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长",
);
const VOCABULARY = 4_000;

/** Deterministic: the same texts in each run. */
export function searchTexts(count: number, seed = 1): string[] {
  const random = randomOf(seed);
  const rarely = Math.max(1, Math.floor(count / 10));
  return Array.from({ length: count }, (_, index) => {
    if (index % 10 === 9) {
      const chinese = Array.from({ length: 30 }, () => CHARACTERS[zipf(random, CHARACTERS.length)]);
      if (index % rarely === 9) chinese.splice(12, 0, CHINESE);
      return chinese.join("");
    }
    const words = Array.from({ length: 14 }, () => wordOf(zipf(random, VOCABULARY)));
    if (index % rarely === 3) words.splice(5, 0, RARE);
    if (index % 3 === 1) words.splice(2, 0, COMMON);
    // Both words of the phrase are in more messages than the phrase is.
    if (index % 50 === 2) words.splice(4, 0, ...PHRASE);
    if (index % 50 === 12) words.splice(4, 0, PHRASE[1], "and", PHRASE[0]);
    return words.join(" ");
  });
}

function wordOf(rank: number): string {
  let rest = rank + SYLLABLES.length;
  let word = "";
  while (rest > 0) {
    word += SYLLABLES[rest % SYLLABLES.length];
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return word;
}

/** Ranks of which the n-th is about 1 / n as frequent as the first. */
function zipf(random: () => number, size: number): number {
  return Math.min(size - 1, Math.floor(size ** random()) - 1);
}

/** Marsaglia's xorshift. */
function randomOf(seed: number): () => number {
  let state = seed * 2_654_435_761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

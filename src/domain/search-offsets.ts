import { collapsed, FLAG_LETTERS, foldedInside } from "./search-folding.ts";

/** Characters but U+200D that can merge with one before them when a text is folded. */
const CONTINUING =
  "\\p{M}\\u00ad\\u0640\\u061c\\u0e33\\u0eb3\\u1160-\\u11ff\\u180b-\\u180f\\u200b\\u200c\\u200e\\u200f" +
  "\\u202a-\\u202e\\u2060-\\u206f\\u3133\\u3135\\u3136\\u313a-\\u313f\\u314f-\\u318e" +
  "\\ufcf2-\\ufcf4\\ufe71\\ufe77\\ufe79\\ufe7b\\ufe7d\\ufe7f\\ufeff" +
  "\\uff9e\\uff9f\\uffa0\\uffa3\\uffa5\\uffa6\\uffaa-\\uffaf\\uffc2-\\uffdc\\u{16d67}" +
  "\\u{1f3fb}-\\u{1f3ff}\\u{e0020}-\\u{e007f}";
/** A character, or a flag, and what merges with it: emojis that are joined with U+200D included. */
const CLUSTER =
  `(?:${FLAG_LETTERS}|[^])` +
  `(?:\\u200d[${CONTINUING}]*\\p{Extended_Pictographic}|[${CONTINUING}\\u200d])*`;
const CLUSTERS = new RegExp(CLUSTER, "gu");
/** So many are folded at a time, and one by one only where an offset is looked for. */
const CHUNKS = new RegExp(`(?:${CLUSTER}){1,32}`, "gu");
const CONTINUES = new RegExp(`^[${CONTINUING}\\u200d]`, "u");
const SPACE = /\s/;

/** A piece of the source: where it is, and where its folding is. */
interface Piece {
  text: string;
  source: number;
  folding: number;
}

/** A folded text, and where its parts are in the text that was folded. */
export class FoldedText {
  /** As `folded` has it. */
  readonly folded: string;
  /** In ascending order. Their foldings, put together, are the folded text before white space is collapsed. */
  readonly #chunks: Piece[];
  /** Of chunks that were looked at. */
  readonly #clusters = new Map<Piece, Piece[]>();
  /** By place in the folded text: the place before white space was collapsed. Absent: the same. */
  readonly #places: number[] | undefined;

  constructor(text: string) {
    const { pieces, folded } = piecesOf(text, CHUNKS);
    this.#chunks = pieces;
    this.folded = collapsed(folded);
    if (this.folded !== folded) this.#places = placesOf(folded);
  }

  /** The part of the source, in whole clusters, of a part of the folded text that is not empty. */
  sourceOf(start: number, end: number): { start: number; end: number } {
    const first = this.#clusterAt(start);
    const last = end - start > 1 ? this.#clusterAt(end - 1) : first;
    return { start: first.source, end: last.source + last.text.length };
  }

  #clusterAt(index: number): Piece {
    const place = this.#places?.[index] ?? index;
    const chunk = pieceAt(this.#chunks, place);
    let clusters = this.#clusters.get(chunk);
    if (!clusters) {
      clusters = piecesOf(chunk.text, CLUSTERS, chunk).pieces;
      this.#clusters.set(chunk, clusters);
    }
    return pieceAt(clusters, place);
  }
}

/** Whether a place in a text is within a cluster: between halves of a code point or before a mark, say. */
export function isWithinCluster(text: string, index: number): boolean {
  if (index <= 0 || index >= text.length) return false;
  if (
    /[\udc00-\udfff]/.test(text.charAt(index)) &&
    /[\ud800-\udbff]/.test(text.charAt(index - 1))
  ) {
    return true;
  }
  return text.charAt(index - 1) === "\u200d" || CONTINUES.test(text.slice(index, index + 2));
}

function piecesOf(text: string, pattern: RegExp, from = { source: 0, folding: 0 }) {
  const pieces: Piece[] = [];
  let { source, folding } = from;
  let folded = "";
  for (const [piece] of text.matchAll(pattern)) {
    pieces.push({ text: piece, source, folding });
    const inside = foldedInside(piece);
    source += piece.length;
    folding += inside.length;
    folded += inside;
  }
  return { pieces, folded };
}

/** The last piece whose folding begins at a place or before it. One that folds to nothing is not found. */
function pieceAt(pieces: readonly Piece[], place: number): Piece {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle]?.folding ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return pieces[low] ?? { text: "", source: 0, folding: 0 };
}

/** The places of what is left when white space is collapsed and trimmed. */
function placesOf(text: string): number[] {
  const places: number[] = [];
  let wasSpace = true;
  for (let i = 0; i < text.length; i++) {
    const isSpace = SPACE.test(text.charAt(i));
    if (!isSpace || !wasSpace) places.push(i);
    wasSpace = isSpace;
  }
  return places;
}

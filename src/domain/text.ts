/** Rules for text that names, titles, file names and messages share. */

/** The text with every line break (CR LF, or CR alone) as `\n`. */
export function withNewlines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** Every control character (Unicode Cc) but newline and tab. */
const CONTROL = /[^\P{Cc}\t\n]/u;

export function hasControlCharacters(text: string): boolean {
  return CONTROL.test(text);
}

/** Unicode code points of a text: the unit of every limit on length. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * Characters by which a name can look like another one: embeddings, overrides and isolates of the
 * bidirectional algorithm (U+202A–202E, U+2066–2069; `photo_<RLO>gpj.exe` is shown as
 * `photo_exe.jpg`), and the line and paragraph separators (U+2028, U+2029), behind which a second line
 * begins. The marks U+200E, U+200F and U+061C are not among them: keyboards of right-to-left scripts
 * have them, and they reverse no letters.
 */
const SPOOFING = /[\u2028-\u202e\u2066-\u2069]/;

/** Whether a text holds characters that no name, title or file name may hold. */
export function hasSpoofingCharacters(text: string): boolean {
  return SPOOFING.test(text);
}

/** The beginning of a text: at most so many code points. */
export function truncated(text: string, length: number): string {
  // A code point is one or two UTF-16 units.
  if (text.length <= length) return text;
  return Array.from(text.slice(0, 2 * length))
    .slice(0, length)
    .join("");
}

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

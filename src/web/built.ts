/** The chat page as `npm run build` leaves it in dist/page.ts: a Worker serves it from memory. */
export interface BuiltPage {
  /** By name. A name holds a hash of what is in it, so that a file of that name never changes. */
  files: Record<string, { type: string; text: string }>;
  /** The script that a page starts with: in development one can pick who to be. */
  entries: { development: string; production: string };
  /** What both entries load. */
  shared: readonly string[];
  stylesheet: string;
  icon: string;
}

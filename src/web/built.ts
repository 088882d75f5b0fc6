/** The chat page as `npm run build` leaves it in dist/page.ts: a Worker serves it from memory. */
export interface BuiltPage {
  /** By name. A name contains the content's hash, so a file of that name never changes. */
  files: Record<string, { type: string; text: string }>;
  /** The entry script: in development it offers people to sign in as. */
  entries: { development: string; production: string };
  /** What both entries load at once. What is loaded later is only in `files`. */
  shared: readonly string[];
  /** The script that shows notifications. Its address never changes, so its name contains no hash. */
  serviceWorker: string;
  stylesheet: string;
  icon: string;
}

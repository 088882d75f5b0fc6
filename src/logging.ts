/** The parameters in drizzle's error messages: names, and text of users. */
const PARAMETERS = /\nparams: .*?(?=\n\s+at |$)/gs;

/**
 * Logs an event as one JSON object. Errors have the stack of their root cause. Never shown to
 * clients.
 */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  const shown = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? described(value) : value,
    ]),
  );
  console.log(JSON.stringify({ event, ...shown }));
}

/** The root cause of an error: drizzle wraps D1's errors. */
export function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function described(error: Error): string {
  const root = rootOf(error);
  const text = root instanceof Error ? (root.stack ?? root.message) : String(root);
  // Errors lose their cause over RPC; then only the wrapper is left.
  return text.replace(PARAMETERS, "");
}

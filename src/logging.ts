/** What drizzle's errors say of a statement beside the statement: names, and what people wrote. */
const PARAMETERS = /\nparams: .*?(?=\n\s+at |$)/gs;

/**
 * One JSON object an event on the log; errors with their stack, each as what it was at its root. Never
 * shown to a client.
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

/** drizzle wraps what D1 threw. */
export function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root;
}

function described(error: Error): string {
  const root = rootOf(error);
  const text = root instanceof Error ? (root.stack ?? root.message) : String(root);
  // Between objects an error loses its cause, and the wrapper is all there is.
  return text.replace(PARAMETERS, "");
}

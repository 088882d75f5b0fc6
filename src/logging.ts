/** One JSON object an event on the log; errors whole, with their stack. Never shown to a client. */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  const shown = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
  console.log(JSON.stringify({ event, ...shown }));
}

/** How commands fail: with a message and without a stack. */

/** An error that the user can fix; its message is complete. */
export class Failure extends Error {}

/** Exits because of an invalid command line: prints the error and the usage. */
export function misused(error: unknown, usage: string): never {
  console.error(error instanceof Error ? error.message : error);
  console.error(`usage: ${usage}`);
  process.exit(2);
}

/** Exits because of a {@link Failure}; other errors are bugs, and rethrown with their stack. */
export function failed(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exit(1);
}

/** The address of a server; fails if it is malformed. */
export function addressOf(text: string): string {
  // "localhost:8787" is a URL too, of the scheme localhost.
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error(`"${text}" is no address of a server, like http://localhost:8787`);
  }
  return text;
}

/** `fetch` with a readable error if the server does not answer. */
export async function request(url: URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const reason = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new Failure(`Nobody answers at ${url.origin}${reason}.`, { cause: error });
  }
}

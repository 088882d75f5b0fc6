/** How commands end that cannot do what they were asked for: with a sentence, and no stack. */

/** Something that whoever runs the command can see to: its message says all there is to say. */
export class Failure extends Error {}

/** Ends the program because its command line makes no sense: what is wrong, and how it is used. */
export function misused(error: unknown, usage: string): never {
  console.error(error instanceof Error ? error.message : error);
  console.error(`usage: ${usage}`);
  process.exit(2);
}

/** Ends the program because of a {@link Failure}; anything else is a bug, and thrown on with its stack. */
export function failed(error: unknown): never {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exit(1);
}

/** The address of a server; an error says that it is none. */
export function addressOf(text: string): string {
  // "localhost:8787" is a URL too, of the scheme localhost.
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Error(`"${text}" is no address of a server, like http://localhost:8787`);
  }
  return text;
}

/** `fetch`, that fails in words when nobody answers. */
export async function request(url: URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const reason = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new Failure(`Nobody answers at ${url.origin}${reason}.`, { cause: error });
  }
}

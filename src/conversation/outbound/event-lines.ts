import type { ServerEvent } from "../../live/events.ts";
import type { LinkTo } from "../../live/wire.ts";

/** The form in which a receiver gets events. */
export interface Reader {
  /** The address that they connected to. */
  origin: string;
  /** Whether they take the shorter form of an event where there is one. */
  lean?: boolean;
}

interface Encoded {
  lines: readonly string[];
  text: string;
}

interface Entry {
  event: (linkTo: LinkTo) => ServerEvent;
  lean: ServerEvent | undefined;
}

/**
 * The events of a commit, each a line of JSON. Links in them begin with the address that their reader
 * connected to, so they are encoded once for each address; with a PUBLIC_URL, once. Where an event has a
 * shorter form, they are encoded once more for those who take it.
 */
export class EventLines {
  private readonly linkTo: (origin: string) => LinkTo;
  private readonly publicUrl: string | undefined;
  private readonly entries: Entry[] = [];
  private readonly whole = new Map<string, Encoded>();
  private readonly shorter = new Map<string, Encoded>();
  private hasLean = false;

  constructor(linkTo: (origin: string) => LinkTo, publicUrl: string | undefined) {
    this.linkTo = linkTo;
    this.publicUrl = publicUrl;
  }

  get length(): number {
    return this.entries.length;
  }

  /** Adds an event, and its shorter form if it has one. Not allowed once any of them was read. */
  add(event: (linkTo: LinkTo) => ServerEvent, lean?: ServerEvent): void {
    this.entries.push({ event, lean });
    if (lean) this.hasLean = true;
  }

  /** The lines for a reader. */
  for(reader: Reader): readonly string[] {
    return this.encoded(reader).lines;
  }

  /** The same as one frame. */
  frameFor(reader: Reader): string {
    return this.encoded(reader).text;
  }

  private encoded({ origin, lean }: Reader): Encoded {
    const address = this.publicUrl ?? origin;
    const isLean = lean === true && this.hasLean;
    const known = isLean ? this.shorter : this.whole;
    let encoded = known.get(address);
    if (!encoded) {
      const linkTo = this.linkTo(address);
      const lines = this.entries.map(({ event, lean }) =>
        JSON.stringify((isLean && lean) || event(linkTo)),
      );
      encoded = { lines, text: lines.join("\n") };
      known.set(address, encoded);
    }
    return encoded;
  }
}

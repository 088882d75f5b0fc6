import type { ServerEvent } from "../../live/events.ts";
import type { LinkTo } from "../../live/wire.ts";

/** Whoever is sent a broadcast. */
export interface Reader {
  /** The address that they came in by. */
  origin: string;
  /** Whether they take the shorter form of an event where there is one. */
  lean?: boolean;
}

interface Written {
  lines: readonly string[];
  text: string;
}

interface Entry {
  event: (linkTo: LinkTo) => ServerEvent;
  lean: ServerEvent | undefined;
}

/**
 * The events of a broadcast, a line of JSON each. Links in them begin with the address that their reader
 * came in by, so that they are written once for each of those; with a PUBLIC_URL, once. Where an event has
 * a shorter form, they are written once more for those who take that.
 */
export class Lines {
  private readonly linkTo: (origin: string) => LinkTo;
  private readonly publicUrl: string | undefined;
  private readonly entries: Entry[] = [];
  private readonly whole = new Map<string, Written>();
  private readonly shorter = new Map<string, Written>();
  private hasLean = false;

  constructor(linkTo: (origin: string) => LinkTo, publicUrl: string | undefined) {
    this.linkTo = linkTo;
    this.publicUrl = publicUrl;
  }

  get length(): number {
    return this.entries.length;
  }

  /** Adds an event, and its shorter form if it has one; nothing is added once any of them was read. */
  add(event: (linkTo: LinkTo) => ServerEvent, lean?: ServerEvent): void {
    this.entries.push({ event, lean });
    if (lean) this.hasLean = true;
  }

  /** As somebody reads them. */
  for(reader: Reader): readonly string[] {
    return this.written(reader).lines;
  }

  /** The same as one frame. */
  frameFor(reader: Reader): string {
    return this.written(reader).text;
  }

  private written({ origin, lean }: Reader): Written {
    const address = this.publicUrl ?? origin;
    const isLean = lean === true && this.hasLean;
    const known = isLean ? this.shorter : this.whole;
    let written = known.get(address);
    if (!written) {
      const linkTo = this.linkTo(address);
      const lines = this.entries.map(({ event, lean }) =>
        JSON.stringify((isLean && lean) || event(linkTo)),
      );
      written = { lines, text: lines.join("\n") };
      known.set(address, written);
    }
    return written;
  }
}

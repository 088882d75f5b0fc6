import type { ServerEvent } from "../live/events.ts";
import type { LinkTo } from "../live/wire.ts";

interface Written {
  lines: readonly string[];
  text: string;
}

/**
 * The events of a broadcast, a line of JSON each. Links in them begin with the address that their reader
 * came in by, so that they are written once for each of those; with a PUBLIC_URL, once.
 */
export class Lines {
  private readonly linkTo: (origin: string) => LinkTo;
  private readonly publicUrl: string | undefined;
  private readonly events: ((linkTo: LinkTo) => ServerEvent)[] = [];
  private readonly byAddress = new Map<string, Written>();

  constructor(linkTo: (origin: string) => LinkTo, publicUrl: string | undefined) {
    this.linkTo = linkTo;
    this.publicUrl = publicUrl;
  }

  get length(): number {
    return this.events.length;
  }

  /** Adds an event; nothing is added once any of them was read. */
  add(event: (linkTo: LinkTo) => ServerEvent): void {
    this.events.push(event);
  }

  /** As somebody reads them who came in by `origin`. */
  for(origin: string): readonly string[] {
    return this.written(origin).lines;
  }

  /** The same as one frame. */
  frameFor(origin: string): string {
    return this.written(origin).text;
  }

  private written(origin: string): Written {
    const address = this.publicUrl ?? origin;
    let written = this.byAddress.get(address);
    if (!written) {
      const linkTo = this.linkTo(address);
      const lines = this.events.map((event) => JSON.stringify(event(linkTo)));
      written = { lines, text: lines.join("\n") };
      this.byAddress.set(address, written);
    }
    return written;
  }
}

import type { Hides } from "../../domain/hides.ts";
import type { ServerEvent } from "../../live/events.ts";
import type { LinkTo } from "../../live/wire.ts";

/** The form in which a receiver gets events. */
export interface Reader {
  /** The address that they connected to. */
  origin: string;
  /** Whether they take the shorter form of an event where there is one. */
  lean?: boolean;
  /** Whom they hide, if anybody. */
  hides?: Hides | undefined;
}

interface Encoded {
  lines: readonly string[];
  text: string;
}

/** An event in its forms. */
export interface EventForms {
  event: (linkTo: LinkTo) => ServerEvent;
  lean?: ServerEvent | undefined;
}

/** How an event is shown to those who hide some people; `undefined`: not at all. */
export type ShownForms = (hides: Hides) => EventForms | "the same" | undefined;

interface Entry extends EventForms {
  shownTo: ShownForms | undefined;
}

/**
 * The events of a commit, each a line of JSON. Links in them begin with the address that their reader
 * connected to, so they are encoded once for each address; with a PUBLIC_URL, once. Where an event has a
 * shorter form, they are encoded once more for those who take it; where something is of somebody whom a reader
 * hides, once for that reader.
 */
export class EventLines {
  private readonly linkTo: (origin: string) => LinkTo;
  private readonly publicUrl: string | undefined;
  private readonly entries: Entry[] = [];
  private readonly whole = new Map<string, Encoded>();
  private readonly shorter = new Map<string, Encoded>();
  /** By the object that {@link Reader.hides} is: a person's connections share it. */
  private readonly byHides = new Map<Hides, Map<string, Encoded>>();
  private hasLean = false;

  constructor(linkTo: (origin: string) => LinkTo, publicUrl: string | undefined) {
    this.linkTo = linkTo;
    this.publicUrl = publicUrl;
  }

  get length(): number {
    return this.entries.length;
  }

  /** Adds an event, and its shorter form if it has one. Not allowed once any of them was read. */
  add(
    event: (linkTo: LinkTo) => ServerEvent,
    lean?: ServerEvent,
    shownTo: ShownForms | undefined = undefined,
  ): void {
    this.entries.push({ event, lean, shownTo });
    if (lean) this.hasLean = true;
  }

  /** The lines for a reader; those of the first `count` events. */
  for(reader: Reader, count = this.length): readonly string[] {
    const shown = this.shownTo(reader, count);
    if (shown) return shown.lines;
    const { lines } = this.encoded(reader);
    return count === lines.length ? lines : lines.slice(0, count);
  }

  /** The same as one frame; empty where none is shown. */
  frameFor(reader: Reader): string {
    return (this.shownTo(reader, this.length) ?? this.encoded(reader)).text;
  }

  /** For a reader who hides somebody of whom there is something; otherwise `undefined`. */
  private shownTo({ origin, lean, hides }: Reader, count: number): Encoded | undefined {
    if (!hides?.size) return undefined;
    const shown = this.entries.map(({ shownTo }) => (shownTo ? shownTo(hides) : "the same"));
    if (shown.every((forms) => forms === "the same")) return undefined;
    const key = `${lean === true} ${count} ${this.publicUrl ?? origin}`;
    const known = this.byHides.get(hides) ?? new Map<string, Encoded>();
    this.byHides.set(hides, known);
    let encoded = known.get(key);
    if (!encoded) {
      const linkTo = this.linkTo(this.publicUrl ?? origin);
      const lines = this.entries.slice(0, count).flatMap((entry, index) => {
        const own = shown[index];
        const forms = own === "the same" ? entry : own;
        if (!forms) return [];
        return JSON.stringify((lean === true && forms.lean) || forms.event(linkTo));
      });
      encoded = { lines, text: lines.join("\n") };
      known.set(key, encoded);
    }
    return encoded;
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

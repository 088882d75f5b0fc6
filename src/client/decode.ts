import type * as z from "zod";

/** A line of a frame: an event, or what is known of one that cannot be read. */
export type Line<Event> =
  | { event: Event; problem?: string }
  | { event?: undefined; type?: string; id?: string; problem: string };

export interface DecoderOptions<Event> {
  schema: z.ZodType<Event>;
  /** The types of events that the schema reads; others are left out. */
  types: ReadonlySet<unknown>;
  /** Whether rows of an event were left out, because they cannot be read. */
  hasLess: (event: Event, value: object) => boolean;
  /** Called once for each kind of problem. */
  report: (problem: string) => void;
}

/** Reads the frames of a server tolerantly. */
export class Decoder<Event> {
  private readonly options: DecoderOptions<Event>;
  /** Kinds of problems that were reported. */
  private readonly problems = new Set<string>();

  constructor(options: DecoderOptions<Event>) {
    this.options = options;
  }

  /**
   * The lines of a frame, in order. Events of a type that is not known are left out. Nothing throws: what
   * cannot be read says so in `problem`, as does a page of which some rows cannot be.
   */
  linesOf(frame: string): Line<Event>[] {
    return frame.split("\n").flatMap((text) => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return this.reported({ problem: "a line that is not JSON" });
      }
      return this.linesIn(value);
    });
  }

  /** The line that a value is, if its type is known. */
  linesIn(value: unknown): Line<Event>[] {
    const line = this.lineOf(value);
    return line ? [this.reported(line)] : [];
  }

  private reported(line: Line<Event>): Line<Event> {
    const { problem } = line;
    if (problem !== undefined && !this.problems.has(problem)) {
      this.problems.add(problem);
      this.options.report(problem);
    }
    return line;
  }

  private lineOf(value: unknown): Line<Event> | undefined {
    const { schema, types, hasLess } = this.options;
    if (typeof value !== "object" || value === null || !("type" in value)) {
      return { problem: "a line that is not an event" };
    }
    if (!types.has(value.type)) return undefined;
    const type = String(value.type);
    const read = schema.safeParse(value);
    if (!read.success) {
      const paths = read.error.issues.map(({ path }) => path.join("."));
      const id = "id" in value && typeof value.id === "string" ? { id: value.id } : {};
      return { type, ...id, problem: `an event ${type} without a readable ${paths.join(", ")}` };
    }
    const event = read.data;
    return hasLess(event, value)
      ? { event, problem: "a page with rows that cannot be read" }
      : { event };
  }
}

/** Whether lists of an event are shorter than the lists of those names that were received. */
export function isShorter<Name extends string>(
  event: { [Key in Name]: readonly unknown[] },
  value: object,
  names: readonly Name[],
): boolean {
  const given = new Map<string, unknown>(Object.entries(value));
  return names.some((name) => {
    const list = given.get(name);
    return Array.isArray(list) && list.length > event[name].length;
  });
}

import { type ServerEvent, serverEvent } from "./received.ts";

const KNOWN = new Set<unknown>(serverEvent.options.map((option) => option.shape.type.value));

/** A line of a frame: an event, or what is known of one that cannot be read. */
export type Line =
  | { event: ServerEvent; problem?: string }
  | { event?: undefined; type?: string; id?: string; problem: string };

/**
 * The lines of a frame, in order. Events of a type that is not known are left out. Nothing throws: what
 * cannot be read says so in `problem`, as does a page of which some rows cannot be.
 */
export function linesOf(frame: string): Line[] {
  return frame.split("\n").flatMap((line) => lineOf(line) ?? []);
}

function lineOf(line: string): Line | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: "a line that is not JSON" };
  }
  if (typeof value !== "object" || value === null || !("type" in value)) {
    return { problem: "a line that is not an event" };
  }
  if (!KNOWN.has(value.type)) return undefined;
  const type = String(value.type);
  const read = serverEvent.safeParse(value);
  if (!read.success) {
    const paths = read.error.issues.map(({ path }) => path.join("."));
    const id = "id" in value && typeof value.id === "string" ? { id: value.id } : {};
    return { type, ...id, problem: `an event ${type} without a readable ${paths.join(", ")}` };
  }
  const event = read.data;
  return event.type === "sync" && hasLess(event, value)
    ? { event, problem: "a page with rows that cannot be read" }
    : { event };
}

/** Whether rows of a page were left out. */
function hasLess(event: Extract<ServerEvent, { type: "sync" }>, value: object): boolean {
  const given = new Map<string, unknown>(Object.entries(value));
  return (["messages", "members", "reads"] as const).some((name) => {
    const list = given.get(name);
    return Array.isArray(list) && list.length > event[name].length;
  });
}

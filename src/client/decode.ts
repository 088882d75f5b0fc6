import { type ServerEvent, serverEvent } from "../live/events.ts";

const KNOWN = new Set<unknown>(serverEvent.options.map((option) => option.shape.type.value));

/**
 * The events of a frame, in order. What a newer server says beyond them is passed over; what is not of
 * the protocol throws.
 */
export function eventsOf(frame: string): ServerEvent[] {
  return frame.split("\n").flatMap((line) => {
    const value: unknown = JSON.parse(line);
    const known =
      typeof value === "object" && value !== null && "type" in value && KNOWN.has(value.type);
    return known ? [serverEvent.parse(value)] : [];
  });
}

/**
 * What the attachment of an inbox socket keeps of its open conversations over hibernation. It is text,
 * because an attachment has at most 16 KiB: a conversation takes about 45 bytes, all of them at most 6 KiB.
 */

export interface KeptRoom {
  id: string;
  /** `busy`: something was under way, and is lost. */
  phase: "live" | "paging" | "busy";
  rev: number;
}

interface Kept {
  id: string;
  kept: { phase: "live" | "paging"; rev: number } | undefined;
}

export function keptText(rooms: readonly Kept[]): string {
  return rooms.map(({ id, kept }) => `${id} ${kept?.phase ?? "busy"} ${kept?.rev ?? 0}`).join("\n");
}

export function keptRooms(text: string): KeptRoom[] {
  if (text === "") return [];
  return text.split("\n").map((line) => {
    const [id = "", phase, rev] = line.split(" ");
    return { id, phase: phase === "live" || phase === "paging" ? phase : "busy", rev: Number(rev) };
  });
}

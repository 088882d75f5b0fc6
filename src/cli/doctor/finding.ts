/** What `npm run doctor` has found out. */

/** Of these, `error` alone makes the command fail. `note`: optional, or not looked at. */
export type Level = "ok" | "note" | "warning" | "error";

export interface Finding {
  level: Level;
  /** Stable: docs/operations.md and scripts name it. */
  code: string;
  /** One sentence. */
  says: string;
  /** What to do, where something has to be done. */
  mend?: string;
}

export function ok(code: string, says: string): Finding {
  return { level: "ok", code, says };
}

export function note(code: string, says: string, mend?: string): Finding {
  return { level: "note", code, says, ...(mend && { mend }) };
}

export function warning(code: string, says: string, mend: string): Finding {
  return { level: "warning", code, says, mend };
}

export function error(code: string, says: string, mend: string): Finding {
  return { level: "error", code, says, mend };
}

/** Findings as lines for a terminal; what to do is below each. */
export function linesOf(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ code }) => code.length));
  return findings.flatMap(({ level, code, says, mend }) => [
    `${level.padEnd(7)}  ${code.padEnd(width)}  ${says}`,
    ...(mend ? [`${" ".repeat(9 + width)}  → ${mend}`] : []),
  ]);
}

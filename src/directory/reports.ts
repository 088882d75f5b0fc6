import { and, asc, desc, eq, or, type SQL, sql } from "drizzle-orm";
import type { Act } from "../domain/act.ts";
import type { Report, ReportAction, ReportState } from "../domain/report.ts";
import type { Directory } from "./directory.ts";
import { audit, reports } from "./schema.ts";

/** Where a page of reports ends. */
export interface ReportPlace {
  createdAt: number;
  id: string;
}

/** The report of a message by a user, if there is one. */
export async function reportBy(
  directory: Directory,
  { conversationId, number, reporterId }: Pick<Report, "conversationId" | "number" | "reporterId">,
): Promise<string | undefined> {
  const [found] = await directory
    .select({ id: reports.id })
    .from(reports)
    .where(
      and(
        eq(reports.conversationId, conversationId),
        eq(reports.number, number),
        eq(reports.reporterId, reporterId),
      ),
    );
  return found?.id;
}

/** Adds a report, unless the user has reported the message before; the id of the one that there is. */
export async function addReport(directory: Directory, report: Report): Promise<string> {
  const { snapshot, ...columns } = report;
  await directory
    .insert(reports)
    .values({ ...columns, snapshot: JSON.stringify(snapshot) })
    .onConflictDoNothing();
  return (await reportBy(directory, report)) ?? report.id;
}

export async function reportById(directory: Directory, id: string): Promise<Report | undefined> {
  const [row] = await directory.select().from(reports).where(eq(reports.id, id));
  return row && fromRow(row);
}

/**
 * Reports in a state: those that wait, the oldest first; those that are resolved, the newest first. Without those
 * about `viewerId`, who is not to learn who has reported them.
 */
export async function reportsIn(
  directory: Directory,
  state: ReportState,
  { viewerId, after, limit }: { viewerId: string; after: ReportPlace | undefined; limit: number },
): Promise<Report[]> {
  const { createdAt, id } = reports;
  const isNewestFirst = state === "resolved";
  const order = isNewestFirst ? desc : asc;
  const behind = after && beyond(after, isNewestFirst);
  const rows = await directory
    .select()
    .from(reports)
    .where(and(eq(reports.state, state), sql`${reports.reportedId} IS NOT ${viewerId}`, behind))
    .orderBy(order(createdAt), order(id))
    .limit(limit);
  return rows.map(fromRow);
}

function beyond({ createdAt, id }: ReportPlace, isNewestFirst: boolean): SQL {
  const place = sql`(${reports.createdAt}, ${reports.id})`;
  return isNewestFirst
    ? sql`${place} < (${createdAt}, ${id})`
    : sql`${place} > (${createdAt}, ${id})`;
}

/** What staff make of a report. */
export type ReportChange =
  | { type: "claim" }
  | { type: "release" }
  | { type: "resolve"; action: ReportAction; resolution: string | null };

/**
 * Changes a report, and adds the act to the audit log, both or neither. `mayTakeOver`: also one that somebody
 * else has claimed. False: the report is not in a state for it.
 */
export async function changeReport(
  directory: Directory,
  id: string,
  change: ReportChange,
  act: Act,
  mayTakeOver: boolean,
): Promise<boolean> {
  const isTheirs = mayTakeOver ? undefined : eq(reports.claimedBy, act.actorId);
  const [changed] = await directory.batch([
    updateOf(directory, id, change, act, isTheirs),
    // Only where the statement before has changed the report.
    directory.insert(audit).select(sql`
      SELECT ${act.id}, ${act.at}, ${act.actorId}, ${act.actorRole}, ${act.action},
        conversation_id, reported_id, number, ${act.reason ?? null},
        ${JSON.stringify(act.details ?? {})}
      FROM reports WHERE id = ${id} AND changes() > 0`),
  ]);
  return changed.meta.changes > 0;
}

function updateOf(
  directory: Directory,
  id: string,
  change: ReportChange,
  { actorId, at }: Act,
  isTheirs: SQL | undefined,
) {
  const { state } = reports;
  const update = directory.update(reports);
  switch (change.type) {
    case "claim":
      return update
        .set({ state: "claimed", claimedBy: actorId, claimedAt: at })
        .where(and(eq(reports.id, id), eq(state, "open")));
    case "release":
      return update
        .set({ state: "open", claimedBy: null, claimedAt: null })
        .where(and(eq(reports.id, id), eq(state, "claimed"), isTheirs));
    case "resolve": {
      const { action, resolution } = change;
      return update
        .set({ state: "resolved", resolvedBy: actorId, resolvedAt: at, action, resolution })
        .where(and(eq(reports.id, id), or(eq(state, "open"), and(eq(state, "claimed"), isTheirs))));
    }
  }
}

function fromRow({ snapshot, ...row }: typeof reports.$inferSelect): Report {
  return { ...row, snapshot: JSON.parse(snapshot) };
}

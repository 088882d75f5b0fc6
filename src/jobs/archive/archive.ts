import { z } from "zod";
import type { JobContext, Step } from "../kind.ts";
import { FileGone, type Sources } from "./bytes.ts";
import { countFiles, hashFiles, markGone } from "./files.ts";
import {
  forgetPlan,
  isPlanned,
  type PlannedEntry,
  planFiles,
  planLines,
  plannedEntries,
  plannedFiles,
} from "./plan.ts";
import { createTables, dropTables, putLines } from "./tables.ts";
import { END_BYTES } from "./tar.ts";
import {
  archiveKey,
  beginUpload,
  completeUpload,
  MAX_ARCHIVE_BYTES,
  partBytesOf,
  removeUpload,
  uploadPart,
} from "./upload.ts";

/**
 * How an archive is made of the lines and files that an export has collected, in steps: the files are hashed, it is
 * planned where each byte comes from, and then parts of equal size are streamed to R2, each of which can be written
 * again at any time. Nothing but a part's chunks is held.
 */

/** The version of what is in an archive. A reader refuses a higher one. */
export const FORMAT = 1;

const place = z.object({ start: z.number(), entries: z.number(), after: z.string() });

/** How far the archive is. */
export const archiveState = z.discriminatedUnion("at", [
  z.object({ at: z.literal("files"), after: z.string() }),
  /** `list`: the index of the list that is planned. */
  z.object({ at: z.literal("lists"), list: z.number(), place }),
  z.object({ at: z.literal("entries"), place: z.object({ start: z.number(), after: z.string() }) }),
  z.object({ at: z.literal("manifest"), start: z.number() }),
  z.object({ at: z.literal("begin"), size: z.number() }),
  z.object({
    at: z.literal("upload"),
    uploadId: z.string(),
    size: z.number(),
    partBytes: z.number(),
    next: z.number(),
  }),
  z.object({
    at: z.literal("complete"),
    uploadId: z.string(),
    size: z.number(),
    partBytes: z.number(),
    files: z.number(),
    missingFiles: z.number(),
  }),
]);
export type ArchiveState = z.infer<typeof archiveState>;

/** Where making the archive begins, once everything is collected. */
export const FIRST_STATE: ArchiveState = { at: "files", after: "" };

/** What is to be archived. */
export interface Contents {
  /** The lists in the order of the archive; one that is `single` has one line, and is a JSON file of that name. */
  lists: readonly { name: string; single?: true }[];
  /** What the manifest says of the whole. */
  manifest: () => Record<string, unknown>;
}

/** What one step came to. */
export type ArchiveStep =
  | { state: ArchiveState; done: number; total: number | null }
  | { finished: Record<string, unknown>; done: number }
  | { failed: "export_too_large" };

export async function archiveStep(
  context: JobContext,
  contents: Contents,
  state: ArchiveState,
): Promise<ArchiveStep> {
  const { sql, env, jobId, startedAt } = context;
  createTables(sql);
  const sources: Sources = { sql, bucket: env.FILES, startedAt };
  const key = archiveKey(jobId);
  const files = countFiles(sql);
  const more = (next: ArchiveState, done = files, total: number | null = null): ArchiveStep => {
    return { state: next, done, total };
  };
  switch (state.at) {
    case "files": {
      const after = await hashFiles(sql, env.FILES, state.after);
      if (after === undefined) return more(firstList(0));
      return more({ at: "files", after }, 0);
    }
    case "lists": {
      const list = contents.lists[state.list];
      if (!list) return more({ at: "entries", place: { start: state.place.start, after: "" } });
      const name = list.single ? `${list.name}.json` : undefined;
      const planned = planLines(sources, list.name, state.place, name);
      if (planned) return more({ ...state, place: planned });
      return more({ ...firstList(state.place.start), list: state.list + 1 });
    }
    case "entries": {
      const planned = planFiles(sources, state.place);
      if (planned) return more({ at: "entries", place: planned });
      return more({ at: "manifest", start: state.place.start });
    }
    case "manifest": {
      const value = manifestOf(context, contents, sql);
      putLines(sql, [{ list: "manifest", key: "0", value }]);
      const first = { start: state.start, entries: 0, after: "" };
      const planned = planLines(sources, "manifest", first, "manifest.json");
      if (!planned) throw new Error("an archive without a manifest");
      const size = planned.start + END_BYTES;
      if (size > MAX_ARCHIVE_BYTES) return { failed: "export_too_large" };
      return more({ at: "begin", size });
    }
    case "begin": {
      const { size } = state;
      const uploadId = await beginUpload(sql, env.FILES, key);
      return more({ at: "upload", uploadId, size, partBytes: partBytesOf(size), next: 1 });
    }
    case "upload": {
      const { next, ...upload } = state;
      const parts = Math.ceil(upload.size / upload.partBytes);
      // The plan was given up, and the state after that was lost.
      if (!isPlanned(sql)) return more(firstList(0));
      try {
        await uploadPart(sources, { key, ...upload }, next);
      } catch (error) {
        if (!(error instanceof FileGone)) throw error;
        // Its message was deleted meanwhile: the archive is planned anew without it.
        markGone(sql, error.key);
        forgetPlan(sql);
        return more(firstList(0));
      }
      const done = files + next;
      if (next < parts) return more({ ...state, next: next + 1 }, done, files + parts);
      const { count, missing } = plannedFiles(sql);
      return more({ ...upload, at: "complete", files: count, missingFiles: missing }, done, done);
    }
    case "complete": {
      const { size, partBytes, missingFiles } = state;
      await completeUpload(sources, { key, ...state });
      dropTables(sql);
      const done = state.files + missingFiles + Math.ceil(size / partBytes);
      return { finished: { size, files: state.files, missingFiles }, done };
    }
  }
}

/** Removes everything of an export, in R2 and in the object of the job; may be called again. */
export async function removeArchive({ sql, env, jobId }: JobContext): Promise<void> {
  createTables(sql);
  await removeUpload(sql, env.FILES, archiveKey(jobId));
  dropTables(sql);
}

function firstList(start: number): Extract<ArchiveState, { at: "lists" }> {
  return { at: "lists", list: 0, place: { start, entries: 0, after: "" } };
}

function manifestOf(
  { jobId, startedAt, clock }: JobContext,
  { lists, manifest }: Contents,
  sql: SqlStorage,
): object {
  const entries = plannedEntries(sql);
  const counts = Object.fromEntries(lists.map(({ name }) => [name, linesOf(entries, name)]));
  const { count, bytes, missing } = plannedFiles(sql);
  return {
    format: FORMAT,
    ...manifest(),
    jobId,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(clock()).toISOString(),
    counts,
    files: { count, bytes, missing },
    entries: entries.map(({ path, lines, size, sha256 }) => ({ path, lines, size, sha256 })),
  };
}

function linesOf(entries: readonly PlannedEntry[], list: string): number {
  return entries.reduce((sum, entry) => sum + (entry.list === list ? entry.lines : 0), 0);
}

/** The step of a job whose archive is being made, behind what it has collected before. */
export function stepOf<State>(
  step: ArchiveStep,
  collected: number,
  wrap: (state: ArchiveState) => State,
): Step<State> {
  if ("failed" in step) return step;
  if ("finished" in step) return { finished: step.finished, done: collected + step.done };
  const total = step.total === null ? null : collected + step.total;
  return { state: wrap(step.state), done: collected + step.done, total };
}

import { directoryOf } from "../../directory/directory.ts";
import { exportsOf } from "../../directory/erasure.ts";
import type { JobContext } from "../kind.ts";

/** Removes the archives of the person's exports, and has those stop that are unfinished. */
export async function removeExports(context: JobContext, userId: string): Promise<void> {
  const { env } = context;
  const exports = await exportsOf(directoryOf(env.DB), userId);
  await env.FILES.delete(exports.map(({ id }) => `exports/${id}.tar`));
}

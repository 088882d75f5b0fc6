import { directoryOf } from "../../directory/directory.ts";
import { exportsOf } from "../../directory/erasure.ts";
import { setSwept } from "../../directory/exported.ts";
import { jobObject } from "../api.ts";
import { archiveKey } from "../archive/upload.ts";
import type { JobContext } from "../kind.ts";

/**
 * Removes the archives of the person's exports, and has those stop that are unfinished; whether all of them have
 * ended and are removed.
 */
export async function removeExports({ env, clock }: JobContext, userId: string): Promise<boolean> {
  const directory = directoryOf(env.DB);
  const exports = await exportsOf(directory, userId);
  const unfinished = exports.filter(({ isUnfinished }) => isUnfinished);
  await Promise.all(unfinished.map(({ id }) => jobObject(env, id).cancel()));
  const ended = exports.flatMap(({ id, isUnfinished }) => (isUnfinished ? [] : [id]));
  if (ended.length > 0) {
    await env.FILES.delete(ended.map(archiveKey));
    await setSwept(directory, ended, clock());
  }
  return unfinished.length === 0;
}

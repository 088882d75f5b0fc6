import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** D1 through drizzle: all data that spans conversations. */
export type Directory = DrizzleD1Database & { readonly $client: D1Client };

/** What is used of a database, which a session has as well. */
type D1Client = Pick<D1Database, "prepare" | "batch">;

const directories = new WeakMap<object, Directory>();

/** A directory over a database, or over one session of it. */
export function directoryOf(database: D1Client): Directory {
  const known = directories.get(database);
  if (known) return known;
  // drizzle's type requires a D1Database, but it uses only these two methods, which a session has
  // as well.
  const directory = drizzle(database as D1Database);
  directories.set(database, directory);
  return directory;
}

/**
 * A session whose reads are sequentially consistent: the first goes to the primary, or is at least
 * as new as the bookmark of an earlier answer (`D1-Bookmark`).
 */
export function sessionOf(database: D1Database, bookmark: string | undefined): D1DatabaseSession {
  return database.withSession(bookmark ?? "first-primary");
}

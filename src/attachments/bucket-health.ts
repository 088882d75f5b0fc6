/** Objects of the bucket that are no files of users. */

/** Whose time of upload is when the cron last came to its end. */
const CRON_KEY = "operation/cron";

/** Notes that the cron has come to its end now. */
export async function noteCron(bucket: R2Bucket): Promise<void> {
  await bucket.put(CRON_KEY, "");
}

/** When the cron last came to its end, by R2's clock; `undefined`: never. */
export async function lastCron(bucket: R2Bucket): Promise<Date | undefined> {
  return (await bucket.head(CRON_KEY))?.uploaded;
}

/** Writes, reads and deletes an object. Throws if one of them fails, or if what is read is something else. */
export async function probeBucket(bucket: R2Bucket): Promise<void> {
  const content = crypto.randomUUID();
  const key = `operation/probe-${content}`;
  await bucket.put(key, content);
  try {
    const read = await (await bucket.get(key))?.text();
    if (read !== content)
      throw new Error(`R2 has ${read?.length ?? "nothing"} for what was written`);
  } finally {
    await bucket.delete(key);
  }
}

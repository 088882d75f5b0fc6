/**
 * Removes everything that an object stores, its alarm included. What it has in memory is not valid any more, so
 * it restarts once the caller has its answer.
 */
export async function eraseStorage(ctx: DurableObjectState): Promise<void> {
  await ctx.storage.deleteAlarm();
  await ctx.storage.deleteAll();
  setTimeout(() => ctx.abort("erased"), 0);
}

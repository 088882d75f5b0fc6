import { abortAllDurableObjects, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";

/**
 * What the files before have stored is deleted: for tests that look at everything there is. Objects go
 * first, so that none writes to D1 afterwards; what is left in D1 and R2 is deleted by name.
 */
await abortAllDurableObjects();
await reset();
const { results } = await env.DB.prepare(
  `SELECT name FROM sqlite_schema WHERE type = 'table'
     AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name <> 'd1_migrations'`,
).all<{ name: string }>();
if (results.length > 0) {
  await env.DB.batch(results.map(({ name }) => env.DB.prepare(`DELETE FROM ${name}`)));
}
for (;;) {
  const { objects } = await env.FILES.list();
  if (objects.length === 0) break;
  await env.FILES.delete(objects.map(({ key }) => key));
}

import { createRoute, z } from "@hono/zod-openapi";
import { SignJWT } from "jose";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { directoryOf } from "../directory/directory.ts";
import { upsertUsers } from "../directory/users.ts";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { jsonBody } from "../edge/json-body.ts";
import { refuse } from "../edge/refusal.ts";

const person = z.object({
  id: z.string(),
  name: z.string(),
  /** Of those who moderate the platform. */
  role: z.enum(PLATFORM_ROLES).optional(),
});

/** The demonstration people. */
const PEOPLE: z.infer<typeof person>[] = [
  { id: "alice", name: "Alice Moreau" },
  { id: "bob", name: "Bob Tanaka" },
  { id: "carol", name: "Carol Okafor" },
  { id: "dave", name: "Dave Lindqvist", role: "resolver" },
];
/** How long their tokens are valid, in seconds. */
const VALID_SECONDS = 12 * 60 * 60;

const list = createRoute({
  method: "get",
  path: "/people",
  responses: { 200: jsonOf("The demonstration people", z.object({ people: z.array(person) })) },
});

const sign = createRoute({
  method: "post",
  path: "/tokens",
  request: { body: jsonBodyOf(z.object({ id: z.string() })) },
  responses: { 201: jsonOf("A token of that person", z.object({ token: z.string() })) },
});

/**
 * `/api/development`: tokens of demonstration people, for the chat page. Outside development the
 * route does not exist.
 */
export function development() {
  const app = dialect();
  app.use(async (c, next) => {
    if (c.get("settings").ENVIRONMENT !== "development") refuse("route_not_found");
    await next();
  }, jsonBody);

  app.openapi(list, (c) => c.json({ people: PEOPLE }, 200));

  app.openapi(sign, async (c) => {
    const { id } = c.req.valid("json");
    const found = PEOPLE.find((one) => one.id === id);
    const [secret] = c.get("settings").JWT_SECRET ?? [];
    // With an identity provider's keys there is no secret to sign with.
    if (!found || !secret) refuse("unknown_user");
    // All of them are stored, because only known people can be written to.
    const profiles = PEOPLE.map((one) => ({ userId: one.id, name: one.name }));
    await upsertUsers(directoryOf(c.env.DB), profiles, null);
    const now = Math.floor(Date.now() / 1_000);
    const { JWT_ISSUER, JWT_AUDIENCE, JWT_USER_CLAIM } = c.get("settings");
    const named = JWT_USER_CLAIM ? { [JWT_USER_CLAIM]: found.id } : {};
    const token = new SignJWT({
      name: found.name,
      ...(found.role && { role: found.role }),
      ...named,
    })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(found.id)
      .setIssuedAt(now)
      .setExpirationTime(now + VALID_SECONDS);
    if (JWT_ISSUER) token.setIssuer(JWT_ISSUER);
    if (JWT_AUDIENCE) token.setAudience(JWT_AUDIENCE);
    return c.json({ token: await token.sign(new TextEncoder().encode(secret)) }, 201);
  });
  return closed(app);
}

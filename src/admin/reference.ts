import type { Hono } from "hono";
import type { EdgeEnv } from "../edge/context.ts";
import { cacheable } from "./cacheable.ts";
import type { MountedApi, OpenApi, Paths } from "./openapi-types.ts";
import { refusalComponents, refusalsOf } from "./refusals.ts";
import { SHARED_PATHS } from "./shared-paths.ts";

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

const INTRODUCTION = `Two chat APIs over one core, and a live protocol.

Every request needs a token: \`Authorization: Bearer <JWT>\`. Errors carry a sentence, \`error\`, and a
stable \`code\`; every answer carries \`X-Request-Id\`, which is in the operator's log. A send may carry a
\`clientMessageId\`, or an \`Idempotency-Key\` header: a retry with the same key never makes a second
message. Times are ISO 8601 in UTC.

**Live**: \`GET /live/{conversationId}\` upgrades to a WebSocket with the subprotocol \`parley.v1\`, which
delivers every message as it is stored and resumes where a client left off. Browsers put their token into
the list of subprotocols: \`parley.v1, bearer.<jwt>\`. Its frames are described in docs/protocol.md.`;

/** `/openapi.json`: public, like `/docs`. */
export function referenceRoutes(app: Hono<EdgeEnv>, parts: readonly MountedApi[]): void {
  let answer: ReturnType<typeof cacheable> | undefined;
  app.get("/openapi.json", (c) => {
    // Built on the first request: most isolates never serve it.
    answer ??= cacheable({
      body: JSON.stringify(openApi(parts)),
      contentType: "application/json",
      maxAge: 300,
    });
    return answer(c);
  });
}

/**
 * The reference as one OpenAPI 3.1 document, from the schemas that validate requests and type
 * answers. Deterministic.
 */
export function openApi(parts: readonly MountedApi[]): OpenApi {
  const info = { title: "Parley", version: "1", description: INTRODUCTION };
  const paths: Paths = {};
  const components: NonNullable<OpenApi["components"]> = {
    securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    schemas: {},
    responses: {},
  };
  for (const { base, tag, app, errors } of parts) {
    const document = app.getOpenAPI31Document({ openapi: "3.1.0", info });
    Object.assign(components.schemas ?? {}, document.components?.schemas);
    Object.assign(components.responses ?? {}, refusalComponents(errors));
    for (const [path, item] of Object.entries(document.paths ?? {})) {
      for (const method of METHODS) {
        const operation = item[method];
        if (!operation) continue;
        operation.tags = [tag.name];
        Object.assign(operation.responses ?? {}, refusalsOf(method, path, operation, errors));
      }
      paths[base + (path === "/" ? "" : path)] = item;
    }
  }
  return {
    openapi: "3.1.0",
    info,
    servers: [{ url: "/" }],
    tags: [...parts.map(({ tag }) => tag), SHARED_PATHS.tag],
    security: [{ bearer: [] }],
    paths: { ...paths, ...SHARED_PATHS.paths },
    components,
  };
}

import type { Hono } from "hono";
import viewer from "openapi-explorer/dist/browser/openapi-explorer.min.js";
import type { EdgeEnv } from "../edge/context.ts";
import { cacheable } from "./cacheable.ts";

const SCRIPT = "/docs/openapi-explorer.js";

/** Nothing is loaded from other origins, and only the viewer runs, which needs inline styles. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley: the reference</title>
<link rel="icon" href="data:,">
<script type="module" src="${SCRIPT}"></script>
</head>
<body>
<openapi-explorer spec-url="/openapi.json" hide-server-selection></openapi-explorer>
<noscript>This page needs JavaScript; the reference itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
</body>
</html>
`;

/** `/docs`: a viewer of `/openapi.json`, in which requests can be tried. */
export function docsRoutes(app: Hono<EdgeEnv>): void {
  app.get("/docs", (c) => c.html(PAGE, 200, { "Content-Security-Policy": POLICY }));
  const contentType = "text/javascript; charset=utf-8";
  app.get(SCRIPT, cacheable({ body: viewer, contentType, maxAge: 86_400 }));
}

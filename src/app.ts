import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { Links } from "./attachments/links.ts";
import { chatError } from "./domain/error.ts";
import { settingsOf } from "./env.ts";
import { negotiate, signalR } from "./gateway/signalr/route.ts";
import { enginePolling, socketIo } from "./gateway/socketio/route.ts";
import { log } from "./logging.ts";
import type { RestEnv } from "./rest/context.ts";
import { errorHandler, plainErrors, respondWith } from "./rest/errors.ts";
import { serveUpload } from "./rest/files.ts";
import { allowedOrigin, live, upgradeRequired } from "./rest/live.ts";
import { marketplace } from "./rest/marketplace/app.ts";
import { unihub } from "./rest/unihub/app.ts";
import { users } from "./rest/users.ts";

/** Response headers that pages of another origin may read. */
const EXPOSED = [
  "D1-Bookmark",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "Retry-After",
  "Warning",
  "X-Request-Id",
];

/** Puts the parts together: what holds for every request, then the dialects. */
export function createApp(): Hono<RestEnv> {
  const app = new Hono<RestEnv>();
  app.onError(errorHandler(plainErrors));
  app.notFound((c) => respondWith(c, chatError("route_not_found"), plainErrors));

  // Without its secrets the Worker answers nothing: it would run open.
  app.use(async (c, next) => {
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    const settings = settingsOf(c.env);
    if (settings instanceof Error) {
      log("misconfigured", { requestId, error: settings.message });
      c.header("X-Request-Id", requestId);
      return respondWith(c, chatError("misconfigured"), plainErrors);
    }
    c.set("settings", settings);
    const links = new Links(
      settings.FILES_SECRET,
      settings.PUBLIC_URL ?? new URL(c.req.url).origin,
    );
    c.set("linkTo", (attachment) => links.linkTo(attachment, Date.now()));
    return await next();
  });

  // Before the headers below: those fail on the response of an upgrade, which cannot be changed.
  app.get("/live/:conversationId", live);

  app.get("/socket.io/", socketIo);
  app.get("/hubs/chat", signalR);

  // Before them too: a file has headers of its own, and a range cannot be rewritten.
  app.on(["GET", "HEAD"], "/uploads/chat/:key", serveUpload);

  app.use(async (c, next) => {
    c.header("X-Request-Id", c.var.requestId);
    // Answers are somebody's own, and never a page.
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.use(secureHeaders());
  // SignalR's client asks for it by default, though nothing here goes by cookies.
  app.use("/hubs/*", async (c, next) => {
    await next();
    c.header("Access-Control-Allow-Credentials", "true");
  });
  app.use(
    cors({
      origin: (origin, c: Context<RestEnv>) =>
        allowedOrigin(c.var.settings, c.req.url, origin) ? origin : null,
      allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
      allowHeaders: [
        ...["Authorization", "Content-Type", "Idempotency-Key", "D1-Bookmark"],
        // Sent by SignalR's client when it negotiates.
        ...["X-Requested-With", "X-SignalR-User-Agent"],
      ],
      exposeHeaders: EXPOSED,
      maxAge: 86_400,
    }),
  );

  app.get("/live/:conversationId", upgradeRequired);
  app.on(["GET", "POST"], "/socket.io/", enginePolling);
  app.post("/hubs/chat/negotiate", negotiate);
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.route("/api/v1/chat", unihub());
  app.route("/api/chat", marketplace());
  app.route("/api/users", users());
  return app;
}

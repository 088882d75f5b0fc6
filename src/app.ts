import { type Context, Hono } from "hono";
import { development } from "./admin/development.ts";
import { docsRoutes } from "./admin/docs.ts";
import type { MountedApi } from "./admin/openapi-types.ts";
import { userProvisioning } from "./admin/provision-users.ts";
import { purchaseRequests } from "./admin/purchase-requests.ts";
import { referenceRoutes } from "./admin/reference.ts";
import { reportQueue } from "./admin/reports.ts";
import { admin } from "./admin/routes.ts";
import { Links } from "./attachments/links.ts";
import { marketplace, marketplaceErrors } from "./dialects/marketplace/app.ts";
import { engineRefusal } from "./dialects/marketplace/socketio/errors.ts";
import { enginePolling, socketIo } from "./dialects/marketplace/socketio/route.ts";
import { unihub } from "./dialects/unihub/app.ts";
import { negotiate, signalR } from "./dialects/unihub/signalr/route.ts";
import { chatError } from "./domain/error.ts";
import { addressLimit } from "./edge/address-limit.ts";
import { authenticate, readsDirectory } from "./edge/auth.ts";
import type { EdgeEnv } from "./edge/context.ts";
import { closed, dialect } from "./edge/dialect.ts";
import { type ErrorForm, errorHandler, plainErrors, respondWith } from "./edge/errors.ts";
import { serveUpload } from "./edge/files.ts";
import { userSearch } from "./edge/find-users.ts";
import { jsonBody } from "./edge/json-body.ts";
import { live, liveInbox, upgradeRequired } from "./edge/live.ts";
import { crossOriginFile } from "./edge/origin.ts";
import { requestLimits } from "./edge/request-limits.ts";
import { responseHeaders as headers } from "./edge/response-headers.ts";
import { CachingRouter } from "./edge/router.ts";
import { Timing } from "./edge/timing.ts";
import { userBlocks } from "./edge/user-blocks.ts";
import { userPresence } from "./edge/user-presence.ts";
import { settingsOf } from "./env.ts";
import { ARCHIVES_PATH } from "./jobs/archive/link.ts";
import { serveArchive } from "./jobs/archive/serve.ts";
import { log } from "./logging.ts";
import { pushRoutes } from "./notify/push/routes.ts";
import { notificationRoutes } from "./notify/settings-routes.ts";
import {
  MANIFEST_PATH,
  PAGE_ADDRESSES,
  type PageOptions,
  SERVICE_WORKER_PATH,
  type Served,
  serveManifest,
  servePage,
  servePageFile,
  serveServiceWorker,
} from "./web/serve.ts";

/** The Worker's routes: middleware for every request, connections and files, then the APIs and the page. */
export function createApp(): Hono<EdgeEnv> {
  // Not strict: a trailing slash makes no difference.
  const app = new Hono<EdgeEnv>({ strict: false, router: new CachingRouter() });
  const mounted = apis();
  app.onError((error, c) => errorHandler(errorFormOf(c.req.path, mounted))(error, c));
  app.notFound((c) => respondWith(c, chatError("route_not_found"), plainErrors));

  // With invalid settings every request is refused; without secrets the Worker would run open.
  app.use(async (c, next) => {
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    c.set("timing", new Timing());
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

  app.use(addressLimit({ present: (error, c) => presentAddressLimit(error, c, mounted), headers }));

  // An upgrade is answered before `headers`, which cannot change its response.
  app.get("/live", liveInbox, headers, upgradeRequired);
  app.get("/live/:conversationId", live, headers, upgradeRequired);
  app.get("/socket.io", socketIo, headers, enginePolling);
  app.get("/hubs/chat", signalR);
  // A file has different headers, and the response to a range request cannot be rewritten.
  app.on(["GET", "HEAD"], "/uploads/chat/:key", crossOriginFile, serveUpload);
  app.on(["GET", "HEAD"], `${ARCHIVES_PATH}:jobId`, serveArchive);

  app.use(headers);
  app.post("/socket.io", enginePolling);
  app.post("/hubs/chat/negotiate", negotiate);
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  referenceRoutes(app, mounted);
  docsRoutes(app);
  for (const { base, app: api } of mounted) app.route(base, api);
  app.route("/api/development", development());
  for (const path of PAGE_ADDRESSES) {
    app.get(path, (c) => served(c, servePage(pageOptions(c))));
  }
  app.get(SERVICE_WORKER_PATH, (c) => served(c, serveServiceWorker()));
  app.get(MANIFEST_PATH, (c) => served(c, serveManifest()));
  app.get("/page/:name", (c) => {
    const file = servePageFile(c.req.param("name"), pageOptions(c));
    return file ? served(c, file) : c.notFound();
  });
  return app;
}

/** The refusal of too many requests from one address, in the error form of the API that was called. */
function presentAddressLimit(error: Error, c: Context<EdgeEnv>, mounted: readonly MountedApi[]) {
  const { path } = c.req;
  if (/^\/socket\.io(\/|$)/.test(path)) return engineRefusal("tooMany");
  return errorHandler(errorFormOf(path, mounted))(error, c);
}

/** The error form of the API that a path belongs to. */
function errorFormOf(path: string, mounted: readonly MountedApi[]): ErrorForm {
  const called = mounted.find(({ base }) => path === base || path.startsWith(`${base}/`));
  return called?.errors ?? plainErrors;
}

/** The APIs that are mounted and described in the reference. */
function apis(): MountedApi[] {
  return [
    {
      base: "/api/v1/chat",
      tag: { name: "UniHub", description: "Conversations, messages, channels." },
      app: unihub(),
      errors: plainErrors,
    },
    {
      base: "/api/chat",
      tag: { name: "Marketplace", description: "Chats, purchase requests, support." },
      app: marketplace(),
      errors: marketplaceErrors,
    },
    {
      base: "/api/users",
      tag: { name: "People", description: "Who can be talked to." },
      app: users(),
      errors: plainErrors,
    },
    {
      base: "/api/purchase-requests",
      tag: { name: "Purchase requests", description: "Which there are, for the host application." },
      app: purchaseRequests(),
      errors: plainErrors,
    },
    {
      base: "/api/notifications",
      tag: { name: "Notifications", description: "How a user is notified." },
      app: notificationRoutes(),
      errors: plainErrors,
    },
    {
      base: "/api/push",
      tag: { name: "Push", description: "Browsers that are notified while nobody looks." },
      app: pushRoutes(),
      errors: plainErrors,
    },
    {
      base: "/api/admin/reports",
      tag: { name: "Reports", description: "Reported messages: roles `resolver` and `admin`." },
      app: reportQueue(),
      errors: plainErrors,
    },
    {
      base: "/api/admin",
      tag: { name: "Operation", description: "For the operator: role `admin`." },
      app: admin(),
      errors: plainErrors,
    },
  ];
}

/** `/api/users`: callers find people, the host application provisions them. */
function users() {
  const app = dialect();
  app.use(authenticate(), requestLimits, jsonBody, readsDirectory);
  userProvisioning(app);
  userSearch(app);
  userPresence(app);
  userBlocks(app);
  return closed(app);
}

function pageOptions(c: Context<EdgeEnv>): PageOptions {
  const settings = c.get("settings");
  const { ENVIRONMENT, PUBLIC_URL, VAPID_PRIVATE_KEY, NOTIFY_URL } = settings;
  const { origin } = new URL(c.req.url);
  return {
    environment: ENVIRONMENT,
    origin,
    filesOrigin: PUBLIC_URL ?? origin,
    notifications: VAPID_PRIVATE_KEY ? "push" : NOTIFY_URL ? "webhook" : "none",
    userClaim: settings.JWT_USER_CLAIM,
    roleClaim: settings.JWT_ROLE_CLAIM,
  };
}

/** Headers are set one by one: given to `c.body`, they would not replace those that middleware has set. */
function served(c: Context<EdgeEnv>, { body, headers }: Served): Response {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.body(body);
}

import { page } from "../../dist/page.ts";

/** Where the page is: the chat, and the moderators' view of reports. */
export const PAGE_ADDRESSES = ["/", "/moderation"];
/** The path of the page's files. */
export const PAGE_PATH = "/page/";
export const SERVICE_WORKER_PATH = "/service-worker.js";
export const MANIFEST_PATH = "/manifest.webmanifest";

export interface PageOptions {
  environment: "development" | "production";
  /** The origin that the request came to. */
  origin: string;
  /** The origin that links to files have. */
  filesOrigin: string;
  /** How users are notified: by pushes to browsers as well, by the host application alone, or not at all. */
  notifications: "push" | "webhook" | "none";
  /** The claim of a token that names its user, where that is a setting. */
  userClaim: string | undefined;
  /** The claim of their role, likewise. */
  roleClaim: string | undefined;
}

export interface Served {
  body: string;
  headers: Record<string, string>;
}

/** The page, the same at each of its addresses. It contains no user data; its files have content-hashed names. */
export function servePage(options: PageOptions): Served {
  return {
    body: documentFor(page.entries[options.environment], options),
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policyFor(options),
      "Cache-Control": "no-cache",
    },
  };
}

/** A script, style or image of the page; `undefined` when there is none in this environment. */
export function servePageFile(name: string, { environment }: PageOptions): Served | undefined {
  const other = environment === "development" ? "production" : "development";
  const file = Object.hasOwn(page.files, name) ? page.files[name] : undefined;
  if (!file || name === page.entries[other]) return undefined;
  return {
    body: file.text,
    headers: {
      "Content-Type": file.type,
      "Content-Security-Policy": "default-src 'none'; sandbox",
      "Cache-Control": "public, max-age=31536000, immutable",
    },
  };
}

/** The service worker's script. Browsers look for a newer one at the same address. */
export function serveServiceWorker(): Served {
  return {
    body: page.serviceWorker,
    headers: {
      "Content-Type": "text/javascript; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'",
      "Cache-Control": "no-cache",
    },
  };
}

/** Describes the page as an app: badges need one that is installed, and so do notifications on some systems. */
export function serveManifest(): Served {
  const manifest = {
    ...{ id: "/", name: "Parley", start_url: "/", scope: "/", display: "standalone" },
    icons: [{ src: PAGE_PATH + page.icon, type: "image/svg+xml", sizes: "any" }],
  };
  return {
    body: JSON.stringify(manifest),
    headers: {
      "Content-Type": "application/manifest+json",
      "Cache-Control": "no-cache",
    },
  };
}

function documentFor(entry: string, { userClaim, roleClaim, notifications }: PageOptions): string {
  const preloads = page.shared.map(
    (name) => `<link rel="modulepreload" href="${PAGE_PATH}${name}">`,
  );
  const told = [];
  for (const [name, claim] of Object.entries({ user: userClaim, role: roleClaim })) {
    if (claim !== undefined) told.push(`<meta name="${name}-claim" content="${escaped(claim)}">`);
  }
  if (notifications !== "none") {
    told.push(`<meta name="notifications" content="${notifications}">`);
  }
  if (notifications === "push") told.push(`<link rel="manifest" href="${MANIFEST_PATH}">`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#14171c" media="(prefers-color-scheme: dark)">
<meta name="description" content="Parley, a chat at the edge.">
<title>Parley</title>
${told.join("\n")}
<link rel="icon" type="image/svg+xml" href="${PAGE_PATH}${page.icon}">
<link rel="stylesheet" href="${PAGE_PATH}${page.stylesheet}">
${preloads.join("\n")}
<script type="module" src="${PAGE_PATH}${entry}"></script>
</head>
<body>
<div id="page"><noscript>Parley needs JavaScript.</noscript></div>
</body>
</html>
`;
}

/** Text as the value of an attribute in double quotes. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

/**
 * The page's policy: scripts and styles from its own files, calls to its own server, files and previews.
 * Text cannot become markup: no sink accepts it (Trusted Types). The address of the service worker needs a
 * policy of that name, which returns that address alone.
 */
function policyFor({ origin, filesOrigin, notifications }: PageOptions): string {
  const files = filesOrigin === origin ? "'self'" : `'self' ${filesOrigin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${files} blob:`,
    `media-src ${files} blob:`,
    // Not every browser applies 'self' to sockets.
    `connect-src 'self' ${origin.replace(/^http/, "ws")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    ...(notifications === "push"
      ? ["trusted-types service-worker", "worker-src 'self'", "manifest-src 'self'"]
      : ["trusted-types 'none'"]),
  ].join("; ");
}

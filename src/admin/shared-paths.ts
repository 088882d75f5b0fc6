import type { Paths } from "./openapi-types.ts";

/** The reference of routes that belong to neither dialect and have no schemas. */

const error = { $ref: "#/components/responses/Refusal" } as const;
const refused = (status: number) => ({ $ref: `${error.$ref}${status}` });
const path = (name: string) =>
  ({ name, in: "path", required: true, schema: { type: "string" } }) as const;
const query = (name: string, description: string) =>
  ({ name, in: "query", description, schema: { type: "string" } }) as const;
const TAG = "Files and live";

const paths: Paths = {
  "/uploads/chat/{key}": {
    get: {
      operationId: "downloadFile",
      tags: [TAG],
      summary: "Download a file, whole or one range of it",
      description:
        "With a signed link as messages carry it, or with the token of its uploader or of a member of " +
        "the conversation that it was sent in.",
      security: [{ bearer: [] }, {}],
      parameters: [
        path("key"),
        query("expires", "Of a signed link"),
        query("disposition", "Of a signed link"),
        query("signature", "Of a signed link"),
      ],
      responses: {
        200: { description: "The file", content: { "*/*": {} } },
        206: { description: "The range that was asked for", content: { "*/*": {} } },
        304: { description: "The client's copy is current" },
        401: refused(401),
        403: refused(403),
        404: refused(404),
        416: { description: "The file has no such range" },
        429: refused(429),
        500: refused(500),
        503: refused(503),
      },
    },
  },
  "/api/exports/{jobId}": {
    get: {
      operationId: "downloadArchive",
      tags: [TAG],
      summary: "Download the archive of an export, whole or one range of it",
      description: "With a signed link, as `getArchive` answers it: no token is needed.",
      security: [],
      parameters: [
        path("jobId"),
        query("expires", "Of a signed link"),
        query("signature", "Of a signed link"),
      ],
      responses: {
        200: { description: "The archive", content: { "application/x-tar": {} } },
        206: { description: "The range that was asked for", content: { "application/x-tar": {} } },
        304: { description: "The client's copy is current" },
        403: refused(403),
        410: refused(410),
        416: { description: "The archive has no such range" },
        429: refused(429),
        500: refused(500),
        503: refused(503),
      },
    },
  },
  "/live/{conversationId}": {
    get: {
      operationId: "openSocket",
      tags: [TAG],
      summary: "Open a live socket",
      description:
        "Needs `Upgrade: websocket` and `Sec-WebSocket-Protocol: parley.v1`. A refused upgrade is " +
        "accepted and closed: 4401 no valid token, 4403 no member or banned, 4404 no such conversation, 1013 opened " +
        "too often. Only too many requests from one address are answered 429.",
      security: [{ bearer: [] }, {}],
      parameters: [
        path("conversationId"),
        query("since", "The last revision that the client has applied"),
        query("epoch", "The life of the conversation that `since` belongs to"),
        query("access_token", "The token, where no header can be set"),
      ],
      responses: {
        101: { description: "The socket is open; it greets with `hello`" },
        426: {
          description: "The request was no upgrade",
          content: {
            "application/json": {
              schema: {
                type: "object",
                properties: { error: { type: "string" }, code: { const: "upgrade_required" } },
                required: ["error", "code"],
              },
            },
          },
        },
        429: refused(429),
        503: refused(503),
      },
    },
  },
  "/healthz": {
    get: {
      operationId: "getHealth",
      tags: [TAG],
      summary: "Check that the Worker is up and configured",
      security: [],
      responses: {
        200: {
          description: "It is",
          content: {
            "application/json": {
              schema: {
                type: "object",
                properties: { status: { const: "ok" } },
                required: ["status"],
              },
            },
          },
        },
        429: refused(429),
        503: refused(503),
      },
    },
  },
};

/** Files, sockets, health. */
export const SHARED_PATHS = { tag: { name: TAG, description: "What both APIs share." }, paths };

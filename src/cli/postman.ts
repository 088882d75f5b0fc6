/**
 * `npm run postman [-- URL] [--out FILE]` writes `parley.postman_collection.json`: every request of the reference of a
 * running server (default: that of `npm start`), with variables where ids and the token belong.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { convertV2 } from "openapi-to-postmanv2";
import { addressOf, Failure, failed, misused, request } from "./exit.ts";
import { ROOT } from "./settings.ts";

/** Values in the requests of the collection, by the name of the field or parameter. */
const VALUES: Record<string, unknown> = {
  conversationId: "{{conversationId}}",
  messageId: "{{messageId}}",
  messageIds: ["{{chatMessageId}}"],
  otherUserId: "{{otherUserId}}",
  participantId: "{{otherUserId}}",
  moderatorId: "{{otherUserId}}",
  sellerId: "{{otherUserId}}",
  userId: "{{otherUserId}}",
  participantIds: ["{{otherUserId}}", "{{thirdUserId}}"],
  users: [{ id: "{{otherUserId}}", name: "Other" }],
  ids: ["{{otherUserId}}"],
  key: "{{fileKey}}",
  clientMessageId: "{{$guid}}",
  purchaseRequestId: "request-1",
  content: "Hello from Postman",
  initialMessage: "Hello from Postman",
  title: "Group",
  name: "name.txt",
  limit: 20,
};
/** The same for names with several meanings, by the beginning of the path. */
const VALUES_BELOW: [beginning: string, values: Record<string, unknown>][] = [
  ["/api/v1/chat/conversations", { id: "{{groupId}}" }],
  ["/api/v1/chat/channels", { id: "{{channelId}}", name: "Channel" }],
  ["/api/chat", { id: "{{chatId}}", messageId: "{{chatMessageId}}" }],
  ["/api/admin", { ids: undefined }],
];
const VARIABLES = ["conversationId", "messageId", "groupId", "channelId", "chatId"];
VARIABLES.push("chatMessageId", "otherUserId", "thirdUserId", "fileKey");

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  anyOf?: Schema[];
  default?: unknown;
  minimum?: number;
}
interface Operation {
  parameters?: { name: string; in: string; required?: boolean; example?: unknown }[];
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> };
  responses: Record<string, unknown>;
}
interface Collection {
  variable: { key: string; value: string }[];
  event: unknown[];
}

const { url, out } = commandLine();
const document = await reference().catch(failed);
for (const [path, item] of Object.entries<Record<string, Operation>>(document.paths)) {
  for (const operation of Object.values(item)) fill(path, operation);
}
const collection = await converted(document);
collection.variable = [
  { key: "baseUrl", value: url.replace(/\/$/, "") },
  ...["bearerToken", ...VARIABLES].map((key) => ({ key, value: "" })),
];
const exec = [
  'pm.test("no fault of the server", () => pm.expect(pm.response.code).to.be.below(500));',
];
collection.event = [{ listen: "test", script: { type: "text/javascript", exec } }];
writeFileSync(out, JSON.stringify(collection, null, 2));
console.log(out);

/** Parses the command line; exits with the usage if it is invalid. */
function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { out: { type: "string", default: `${ROOT}/parley.postman_collection.json` } },
    });
    const [url = "http://localhost:8787", ...rest] = positionals;
    if (rest.length > 0) throw new Error("give the address of one server");
    return { url: addressOf(url), out: values.out };
  } catch (error) {
    misused(error, "npm run postman [-- URL] [--out FILE]");
  }
}

async function reference() {
  const answer = await request(new URL("/openapi.json", url));
  if (!answer.ok) throw new Failure(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

/**
 * Sets the examples of an operation's parameters and body, and keeps only its successful answers.
 */
function fill(path: string, operation: Operation): void {
  const [, below = {}] = VALUES_BELOW.find(([beginning]) => path.startsWith(beginning)) ?? [];
  const known = { ...VALUES, ...below };
  // Optional parameters are removed unless there is a value for them.
  operation.parameters = (operation.parameters ?? []).filter(
    ({ name, required }) => required || known[name] !== undefined,
  );
  for (const parameter of operation.parameters) {
    const example = known[parameter.name] ?? parameter.example;
    if (example !== undefined) parameter.example = example;
  }
  for (const body of Object.values(operation.requestBody?.content ?? {})) {
    if (body.schema.type === "object") body.example = exampleOf(body.schema, known);
  }
  operation.responses = Object.fromEntries(
    Object.entries(operation.responses).filter(([status]) => Number(status) < 300),
  );
}

/** An example value of a schema; optional fields are included only with a known value. */
function exampleOf(schema: Schema, known: Record<string, unknown>): unknown {
  const { properties, required = [], items, anyOf, type } = schema;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  if (anyOf?.[0]) return exampleOf(anyOf[0], known);
  if (properties) {
    const entries = Object.entries(properties).flatMap(([name, property]) => {
      if (known[name] !== undefined) return [[name, known[name]]];
      return required.includes(name) ? [[name, exampleOf(property, known)]] : [];
    });
    return Object.fromEntries(entries);
  }
  if (items) return [exampleOf(items, known)];
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return schema.minimum ?? 1;
  return "text";
}

function converted(data: object): Promise<Collection> {
  const options = { folderStrategy: "Tags", parametersResolution: "Example" } as const;
  return new Promise((resolve, reject) => {
    convertV2({ type: "json", data }, options, (error, result) => {
      const [output] = result?.output ?? [];
      if (output) resolve(output.data as Collection);
      else reject(new Error(error?.message ?? result?.reason));
    });
  });
}

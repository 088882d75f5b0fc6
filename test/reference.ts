import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** Compares answers with `/openapi.json`, as it is served. */

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;
type Node = { [key: string]: Json };

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Statuses of any path under `/api`, before a route is selected or because there is none. */
const OF_NO_ROUTE = new Set(["route_not_found", "unauthenticated", "misconfigured"]);

interface Route {
  pattern: RegExp;
  pointer: string;
  responses: Node;
}

/**
 * A reference with which answers can be compared. Schemas are compiled when they are first needed.
 */
export class Reference {
  private readonly routes: Map<string, Route[]>;
  private readonly ajv = new Ajv2020({ strict: false });
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(document: object) {
    const closed = structuredClone(document) as Node;
    close(closed);
    this.routes = routesOf(closed["paths"] as Node);
    this.ajv.addFormat("date-time", ISO_TIME);
    for (const format of ["uuid", "uri", "binary"]) this.ajv.addFormat(format, true);
    this.ajv.addSchema(closed, "reference");
  }

  /** How an answer differs from the reference; `undefined` if it does not. */
  breachOf(method: string, path: string, status: number, body: unknown): string | undefined {
    // A trailing slash makes no difference.
    const pathname = new URL(path, "https://x").pathname.replace(/(.)\/$/, "$1");
    const route = this.routes.get(method)?.find(({ pattern }) => pattern.test(pathname));
    const at = `${method} ${pathname} answered ${status}`;
    if (!route) {
      const { code = "" } = Object(body) as { code?: string };
      return OF_NO_ROUTE.has(code) ? undefined : `${at}, and is not in the reference`;
    }
    const response = route.responses[status];
    if (!response) return `${at}, which the reference does not have`;
    if (body === undefined) return undefined;
    const ref = Object(response)["$ref"] as string | undefined;
    const pointer = ref ?? `${route.pointer}/responses/${status}`;
    const valid = this.validatorOf(`${pointer}/content/application~1json/schema`);
    return valid(body) ? undefined : `${at}, but ${JSON.stringify(valid.errors).slice(0, 500)}`;
  }

  private validatorOf(pointer: string): ValidateFunction {
    const known = this.compiled.get(pointer) ?? this.ajv.compile({ $ref: `reference${pointer}` });
    this.compiled.set(pointer, known);
    return known;
  }
}

function routesOf(paths: Node): Map<string, Route[]> {
  const routes = new Map<string, Route[]>();
  // Fixed paths before those with a parameter in the same place.
  for (const path of Object.keys(paths).sort((a, b) =>
    a.replace(/{/g, "~") < b.replace(/{/g, "~") ? -1 : 1,
  )) {
    const pattern = new RegExp(`^${path.replace(/{[^}]+}/g, "[^/]+")}$`);
    for (const [method, operation] of Object.entries(paths[path] as Node)) {
      const pointer = `#/paths/${escaped(path)}/${method}`;
      const { responses } = operation as { responses: Node };
      const known = routes.get(method.toUpperCase()) ?? [];
      routes.set(method.toUpperCase(), [...known, { pattern, pointer, responses }]);
    }
  }
  return routes;
}

function escaped(path: string): string {
  return encodeURIComponent(path.replaceAll("~", "~0").replaceAll("/", "~1")).replaceAll(
    "%7E",
    "~",
  );
}

/** Adds to a schema that an answer has no other fields, although clients must accept some. */
function close(node: Json): void {
  if (typeof node !== "object" || node === null) return;
  if (!Array.isArray(node) && node["properties"] && node["type"] !== undefined) {
    node["additionalProperties"] ??= false;
  }
  for (const child of Object.values(node)) close(child);
}

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, Handler, ValidationTargets } from "hono";
import { z } from "zod";
import type { EdgeEnv } from "./context.ts";
import { refuse } from "./refusal.ts";

type App = OpenAPIHono<EdgeEnv>;
type Route = Parameters<App["openapi"]>[0];
type Request = NonNullable<Route["request"]>;
type Decode = (c: Context<EdgeEnv>) => void | Promise<void>;
type Invalid = (error: z.ZodError) => never;

/** A JSON type with parameters, as `@hono/zod-openapi` accepts it. */
const JSON_TYPE = /^application\/([a-z-.]+\+)?json(;\s*[a-zA-Z0-9-]+=([^;]+))*$/i;

/**
 * Has an app decode a request in one step, by the schemas with which its route is declared. The app itself
 * would run a layer for each of query, path, headers and body. What is refused, and in which order, is
 * the same: query, path, headers, media type, body.
 */
export function decodeInOneStep(app: App, invalid: Invalid): void {
  const { openapi } = app;
  const decoding = (route: Route, handler: Handler<EdgeEnv>) => {
    const decode = decoderOf(route.request ?? {}, invalid);
    if (!decode) return openapi(route, handler as Parameters<typeof openapi>[1]);
    const { middleware: _, ...described } = route;
    app.openAPIRegistry.registerPath(described);
    const { request: __, ...undecoded } = route;
    const decoded: Handler<EdgeEnv> = async (c, next) => {
      await decode(c);
      return handler(c, next);
    };
    return openapi({ ...undecoded, hide: true }, decoded as Parameters<typeof openapi>[1]);
  };
  app.openapi = decoding as unknown as typeof openapi;
}

/** The decoder of a route's requests; `undefined` where they have a form, which the app decodes. */
function decoderOf({ query, params, headers, cookies, body }: Request, invalid: Invalid) {
  const content = body?.content;
  const json = content?.["application/json"];
  const schema = json && "schema" in json ? json.schema : undefined;
  const isJson =
    content === undefined || (schema instanceof z.ZodType && Object.keys(content).length === 1);
  if (!isJson || cookies) return undefined;
  const names = headers instanceof z.ZodObject ? Object.keys(headers.shape) : undefined;
  if (headers && !names) return undefined;

  const checked = (
    c: Context<EdgeEnv>,
    target: keyof ValidationTargets,
    schema: unknown,
    value: unknown,
  ) => {
    const result = (schema as z.ZodType).safeParse(value);
    if (!result.success) invalid(result.error);
    c.req.addValidatedData(target, result.data as object);
  };
  const decode: Decode = async (c) => {
    if (query) checked(c, "query", query, queryOf(c));
    if (params) checked(c, "param", params, c.req.param());
    if (names) checked(c, "header", headers, headersOf(c, names));
    if (schema) {
      const value = await jsonOf(c, body?.required === true);
      if (value === undefined) c.req.addValidatedData("json", {});
      else checked(c, "json", schema, value);
    }
  };
  return decode;
}

/** Query parameters: a text, or a list where one is repeated. */
function queryOf({ req }: Context<EdgeEnv>): Record<string, string | string[]> {
  if (!req.url.includes("?")) return {};
  return Object.fromEntries(
    Object.entries(req.queries()).map(([name, values]) => {
      const [first = ""] = values;
      return [name, values.length === 1 ? first : values];
    }),
  );
}

function headersOf({ req }: Context<EdgeEnv>, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = req.header(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** The JSON body; an empty object where there is none, or `undefined` where there need not be one. */
async function jsonOf({ req }: Context<EdgeEnv>, isRequired: boolean): Promise<unknown> {
  const type = req.header("Content-Type");
  if (type === undefined ? (await req.text()) !== "" : !JSON_TYPE.test(type)) {
    refuse("unsupported_media_type");
  }
  if (type === undefined) return isRequired ? {} : undefined;
  try {
    return JSON.parse(await req.text());
  } catch {
    refuse("malformed_json");
  }
}

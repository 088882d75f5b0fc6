import { exports } from "cloudflare:workers";
import { ORIGIN } from "../support.ts";
import { NOBODYS } from "./requests.ts";

/** The routes of the reference, for tests of rules that apply to all of them. */

type Node = { [key: string]: Json };
type Json = Node | Json[] | string | number | boolean | null;

/** A route with example values in place of its parameters; nothing with these ids exists. */
export interface Route {
  method: string;
  path: string;
  /** The schema of its JSON body, if it has one. */
  body: Node | undefined;
  /** Whether the body is required. */
  required: boolean;
}

const document: { paths: Record<string, Record<string, Node>> } = await (
  await exports.default.fetch(`${ORIGIN}/openapi.json`)
).json();

export const routes: Route[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, { requestBody }]) => {
    const body = isNode(requestBody) ? requestBody : {};
    const json = node(node(body, "content"), "application/json");
    return {
      method: method.toUpperCase(),
      path: path.replace(/{\w+}/g, NOBODYS),
      body: "schema" in json ? node(json, "schema") : undefined,
      required: body["required"] === true,
    };
  }),
);

/** The routes with a JSON body. */
export const written = routes.filter((route) => route.body !== undefined);

/** An optional field, and a body that contains only this field, as `null`. */
export interface Optional {
  path: string;
  schema: Node;
  body: Json;
}

/** Every optional field of a schema, at any depth. */
export function optionalsOf(schema: Node): Optional[] {
  if (schema["type"] === "array" || isNode(schema["items"])) {
    return optionalsOf(node(schema, "items")).map((field) => ({
      ...field,
      path: `0.${field.path}`,
      body: [field.body],
    }));
  }
  const required = schema["required"];
  return Object.entries(node(schema, "properties")).flatMap(([name, property]) => {
    if (!isNode(property)) return [];
    const within = optionalsOf(property).map((field) => ({
      ...field,
      path: `${name}.${field.path}`,
      body: { [name]: field.body },
    }));
    const isRequired = Array.isArray(required) && required.includes(name);
    return isRequired
      ? within
      : [{ path: name, schema: property, body: { [name]: null } }, ...within];
  });
}

/** Whether a schema accepts `null`. */
export function takesNull(schema: Node): boolean {
  const { type, anyOf, oneOf, enum: values } = schema;
  const types = Array.isArray(type) ? type : [type];
  if (types.includes("null") || (Array.isArray(values) && values.includes(null))) return true;
  return [anyOf, oneOf].some(
    (choices) => Array.isArray(choices) && choices.some((one) => isNode(one) && takesNull(one)),
  );
}

/** The outcome of a request: the status, and for a refusal also code and details. */
export async function outcome(token: string, method: string, path: string, init: RequestInit = {}) {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${token}`);
  const request = new Request(ORIGIN + path, { ...init, method, headers });
  const response = await exports.default.fetch(request);
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json") === true;
  const { code, details = [] } = isJson ? JSON.parse(text) : {};
  const { status } = response;
  return { status, code, paths: details.map(({ path }: { path: string }) => path) };
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function node(of: Node, name: string): Node {
  const value = of[name];
  return isNode(value) ? value : {};
}

import { exports } from "cloudflare:workers";
import { ORIGIN } from "../support.ts";
import { NOBODYS } from "./requests.ts";

/** The routes of the reference, for what holds for each of them. */

type Node = { [key: string]: Json };
type Json = Node | Json[] | string | number | boolean | null;

/** A route with something in the place of its parameters; nothing that they name exists. */
export interface Route {
  method: string;
  path: string;
  /** The schema of its JSON body, if it has one. */
  body: Node | undefined;
  /** Whether the body must be there. */
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

/** Those with a body in JSON. */
export const written = routes.filter((route) => route.body !== undefined);

/** A field that may be left out, and a body that holds nothing but it, as `null`. */
export interface Optional {
  path: string;
  schema: Node;
  body: Json;
}

/** Every field of a schema that may be left out, at any depth. */
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

/** Whether a schema says that `null` fits. */
export function takesNull(schema: Node): boolean {
  const { type, anyOf, oneOf, enum: values } = schema;
  const types = Array.isArray(type) ? type : [type];
  if (types.includes("null") || (Array.isArray(values) && values.includes(null))) return true;
  return [anyOf, oneOf].some(
    (choices) => Array.isArray(choices) && choices.some((one) => isNode(one) && takesNull(one)),
  );
}

/** What a request comes to: the status, and the code and details if it is refused. */
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

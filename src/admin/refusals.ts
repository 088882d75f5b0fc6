import { z } from "zod";
import { ERRORS, type ErrorCode } from "../domain/error.ts";
import { type ErrorForm, statusIn } from "../edge/errors.ts";
import type { OpenApi, Operation } from "./openapi-types.ts";

type Responses = NonNullable<NonNullable<OpenApi["components"]>["responses"]>;

/** Codes that only sockets and routes without a dialect use. */
const NOT_IN_REST = new Set<ErrorCode>([
  ...(["frame_too_large", "invalid_frame", "origin_not_allowed", "upgrade_required"] as const),
]);

/** One response component for each error status of a dialect, listing its codes and messages. */
export function refusalComponents(form: ErrorForm): Responses {
  const byStatus = Map.groupBy(
    (Object.keys(ERRORS) as ErrorCode[]).filter((code) => !NOT_IN_REST.has(code)),
    (code) => statusIn(form, code),
  );
  const components = Array.from(byStatus, ([status, codes]) => {
    const retry = status === 429 || status === 503;
    return [
      form.name + status,
      {
        description: codes.map((code) => `- \`${code}\`: ${ERRORS[code][1]}`).join("\n"),
        headers: {
          "X-Request-Id": { schema: { type: "string", format: "uuid" } },
          ...(retry && {
            "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } },
          }),
        },
        content: { "application/json": { schema: jsonSchema(form.schema(z.enum(codes))) } },
      },
    ] as const;
  });
  return Object.fromEntries(components) as Responses;
}

/**
 * The error responses of an operation: those of every operation, those that follow from its
 * parameters and body, and those that its route declares.
 */
export function refusalsOf(
  method: string,
  path: string,
  operation: Operation,
  form: ErrorForm,
): NonNullable<Operation["responses"]> {
  const { parameters = [], requestBody, responses = {} } = operation;
  const named = parameters.flatMap((parameter) => ("name" in parameter ? [parameter] : []));
  const body = JSON.stringify(requestBody ?? {});
  const asks = named.some((parameter) => parameter.in === "query");
  const names = path.includes("{") || /"conversationId"/.test(body + JSON.stringify(named));
  const keyed = body.includes('"clientMessageId"');
  const statuses = [
    // 403: the caller may be banned.
    ...[401, 403, 429, 500, 503],
    ...(asks || method !== "get" ? [400] : []),
    ...(names ? [404] : []),
    ...(keyed ? [409] : []),
    // Reading a body may time out.
    ...(method !== "get" ? [408] : []),
    ...(method !== "get" && !/multipart|octet-stream/.test(body) ? [413, 415] : []),
    ...Object.keys(responses)
      .map(Number)
      .filter((status) => status >= 400),
  ];
  return Object.fromEntries(
    statuses
      .toSorted((a, b) => a - b)
      .map((status) => [status, { $ref: `#/components/responses/${form.name}${status}` }]),
  );
}

/** As the schema of an answer, to which fields may be added later. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}

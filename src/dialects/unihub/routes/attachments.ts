import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { keyIn } from "../../../attachments/links.ts";
import { sentSchema, uploadedSchema } from "../../../contract/answers.ts";
import { sendFilesBody } from "../../../contract/bodies.ts";
import { idempotencyHeader } from "../../../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../../../contract/openapi.ts";
import type { Attachment } from "../../../domain/attachment.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { sendFiles } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { refuse } from "../../../edge/refusal.ts";
import { fileBody, fileForm, fileName, uploadFor } from "../../../edge/uploads.ts";
import { presentSent } from "../presenter.ts";

const uploadForm = createRoute({
  method: "post",
  path: "/messages/upload",
  operationId: "uploadFile",
  summary: "Upload a file",
  request: {
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: z.object({ file: z.string().openapi({ format: "binary" }) }),
        },
      },
    },
  },
  responses: { 200: jsonOf("The file, to be sent within 24 hours", uploadedSchema) },
});

const uploadBody = createRoute({
  method: "put",
  path: "/uploads",
  operationId: "uploadBytes",
  summary: "Upload a file whose bytes are the body",
  request: {
    query: z.object({ name: z.string().openapi({ minLength: 1, maxLength: 255 }) }),
    body: {
      content: {
        "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) },
      },
    },
  },
  responses: { 200: jsonOf("The file, to be sent within 24 hours", uploadedSchema) },
});

const withAttachments = createRoute({
  method: "post",
  path: "/messages/with-attachments",
  operationId: "sendFiles",
  summary: "Send a message with attachments",
  request: { headers: idempotencyHeader, body: jsonBodyOf(sendFilesBody) },
  responses: { 201: jsonOf("The message is durable", sentSchema) },
});

/** Uploads. Registered before the middleware that reads JSON bodies. */
export function uploadRoutes(app: OpenAPIHono<EdgeEnv>): void {
  // Not `openapi`: its validator would buffer the form.
  app.openAPIRegistry.registerPath(uploadForm);
  app.post(uploadForm.path, async (c) => {
    const { attachment } = await fileForm(c, (name, permit) => uploadFor(c, name, permit));
    return c.json(presentUploaded(attachment, c.get("linkTo")(attachment)), 200);
  });

  app.openapi(uploadBody, async (c) => {
    const attachment = await fileBody(c, fileName(c.req.valid("query").name));
    return c.json(presentUploaded(attachment, c.get("linkTo")(attachment)), 200);
  });
}

export function attachmentRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(withAttachments, async (c) => {
    const body = c.req.valid("json");
    const conversationId = conversationNamed(body.conversationId);
    const files = body.attachments.map(({ fileUrl, fileName, fileSize, mimeType }) => ({
      key: keyIn(fileUrl) ?? refuse("unknown_attachments"),
      declared: { name: fileName, size: fileSize, mimeType },
    }));
    const command = {
      ...({ type: "send", kind: "text" } as const),
      content: body.content ?? undefined,
      clientMessageId: body.clientMessageId ?? c.req.valid("header")["idempotency-key"],
      replyTo: body.replyToMessageId ?? undefined,
      metadata: body.metadata ?? undefined,
      mentions: body.mentions,
      mentionsAll: body.mentionsAll,
      silent: body.silent,
      maxLength: c.get("settings").MAX_LENGTH_UNIHUB,
    };
    const answer = await sendFiles(c, conversationId, command, files);
    return c.json(presentSent(conversationId, answer), 201);
  });
}

function presentUploaded(attachment: Attachment, url: string): z.infer<typeof uploadedSchema> {
  return {
    fileName: attachment.name,
    fileUrl: url,
    fileSize: attachment.size,
    contentType: attachment.mimeType,
  };
}

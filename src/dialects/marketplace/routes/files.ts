import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isMultipart } from "../../../attachments/form.ts";
import { discard, Measure } from "../../../attachments/upload.ts";
import { uuid } from "../../../contract/fields.ts";
import { jsonOf } from "../../../contract/openapi.ts";
import type { Command } from "../../../conversation/decide/types.ts";
import { directoryOf } from "../../../directory/directory.ts";
import { parsed } from "../../../domain/stored.ts";
import { isActingAsBot } from "../../../edge/acting-as.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { sendFiles } from "../../../edge/conversations.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { Refusal, refuse } from "../../../edge/refusal.ts";
import { type FileForm, fileForm, precheckSend, uploadFor } from "../../../edge/uploads.ts";
import { clientMessageId, detailsOf, mentions } from "../../../live/fields.ts";
import { messageAnswer, pathId } from "../schemas.ts";
import { presentAnswer } from "./messages.ts";

const sendFile = createRoute({
  method: "post",
  path: "/{id}/messages/file",
  operationId: "sendChatFile",
  summary: "Send a message with a file",
  request: {
    params: pathId,
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: z.object({
            file: z.string().openapi({ format: "binary" }),
            content: z.string().optional(),
            replyToMessageId: z.string().optional(),
            clientMessageId: z.string().optional(),
            mentions: z.string().optional().openapi({ description: "A list of user ids as JSON" }),
            mentionsAll: z.enum(["true", "false"]).optional(),
            silent: z.enum(["true", "false"]).optional(),
          }),
        },
      },
    },
  },
  responses: { 201: jsonOf("The message is durable", messageAnswer) },
});

/** File messages. Registered before the middleware that reads JSON bodies. */
export function fileRoutes(app: OpenAPIHono<EdgeEnv>): void {
  // Not `openapi`: its validator would buffer the form.
  app.openAPIRegistry.registerPath(sendFile);
  app.post("/:id/messages/file", async (c) => answerFile(c, c.req.param("id")));
  // Some clients of the reference post their files here.
  app.post("/:id/messages", async (c, next) => {
    if (!isMultipart(c.req.header("Content-Type"))) return await next();
    return await answerFile(c, c.req.param("id"));
  });
}

async function answerFile(c: Context<EdgeEnv>, id: string): Promise<Response> {
  const chatId = conversationNamed(id);
  const key = keyOf(c.req.header("Idempotency-Key"));
  // Before the body is read: may the caller send here, and was this sent before?
  const known = await precheckSend(c, chatId, sendOf(c, { clientMessageId: key }));
  const form = await fileForm(c, (name, permit) =>
    known ? new Measure(name) : uploadFor(c, name, permit),
  );
  const { attachment } = form;
  const removeFile = async () => {
    // What was sent before under its key is measured for comparison, and never stored.
    if (!known) await discard(c.env.FILES, directoryOf(c.env.DB), attachment);
  };
  try {
    const command = sendOf(c, { ...form, clientMessageId: key ?? keyOf(form.clientMessageId) });
    const answer = await sendFiles(c, chatId, command, [{ key: attachment.key }], {
      readers: !isActingAsBot(c),
    });
    // The message that was sent under this key before carries another copy of the file.
    const isCarried = answer.message?.attachments.some(({ key }) => key === attachment.key);
    if (!isCarried) await removeFile();
    return c.json(presentAnswer(c, chatId, answer), 201);
  } catch (error) {
    // Its sender does not know the file and could never send it.
    if (error instanceof Refusal) await removeFile();
    throw error;
  }
}

function sendOf(c: Context<EdgeEnv>, form: Partial<FileForm>): Extract<Command, { type: "send" }> {
  const { attachment, content, replyToMessageId, clientMessageId } = form;
  if (replyToMessageId !== undefined && !uuid.safeParse(replyToMessageId).success) {
    refuse("invalid_request", { details: [{ path: "replyToMessageId", message: "not a UUID" }] });
  }
  return {
    type: "send",
    kind: "text",
    content,
    replyTo: replyToMessageId,
    clientMessageId,
    ...notifyingOf(form),
    maxLength: c.get("settings").MAX_LENGTH_MARKETPLACE,
    // A retry uploads the same file under another key.
    fingerprint: attachment && JSON.stringify([attachment.name, attachment.size]),
  };
}

const flag = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .optional();
const notifying = z.object({ mentions: mentions.optional(), mentionsAll: flag, silent: flag });

/** Whom the fields of a form mention, and whether nobody is notified. */
function notifyingOf({
  mentions: json,
  mentionsAll,
  silent,
}: Partial<FileForm>): z.infer<typeof notifying> {
  const asked = notifying.safeParse({
    ...(json !== undefined && { mentions: parsed(json) ?? json }),
    mentionsAll,
    silent,
  });
  if (!asked.success) refuse("invalid_request", { details: detailsOf(asked.error) });
  return asked.data;
}

function keyOf(text: string | undefined): string | undefined {
  if (text !== undefined && !clientMessageId.safeParse(text).success) {
    const message = "printable ASCII without spaces, at most 128 characters";
    refuse("invalid_request", { details: [{ path: "clientMessageId", message }] });
  }
  return text;
}

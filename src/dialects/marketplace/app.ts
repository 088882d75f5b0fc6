import { z } from "zod";
import { authenticate } from "../../edge/auth.ts";
import { closed, dialect } from "../../edge/dialect.ts";
import { details, type ErrorForm, limit } from "../../edge/errors.ts";
import { jsonBody } from "../../edge/json-body.ts";
import { requestLimits } from "../../edge/request-limits.ts";
import { chatRoutes } from "./routes/chats.ts";
import { creationRoutes } from "./routes/creation.ts";
import { fileRoutes } from "./routes/files.ts";
import { messageRoutes } from "./routes/messages.ts";
import { moderationRoutes } from "./routes/moderation.ts";
import { notificationLevelRoutes } from "./routes/notifications.ts";
import { reportRoutes } from "./routes/reports.ts";
import { requestRoutes } from "./routes/requests.ts";
import { searchRoutes } from "./routes/search.ts";
import { CHATS } from "./schemas.ts";

/** `{success: false, error, code, details?, limit?}`. */
export const marketplaceErrors: ErrorForm = {
  name: "ChatRefusal",
  body: ({ message, code, details, limit }) => ({
    success: false,
    error: message,
    code,
    ...(details && { details }),
    ...(limit && { limit }),
  }),
  schema: (code) =>
    z.object({ success: z.literal(false), error: z.string(), code, details, limit }),
  statuses: { unknown_user: 404 },
};

/** The marketplace chat API: decodes, calls and presents. */
export function marketplace() {
  const app = dialect();
  app.use(authenticate({ reach: "staff", kinds: CHATS }), requestLimits);
  fileRoutes(app);
  app.use(jsonBody);
  creationRoutes(app);
  chatRoutes(app);
  requestRoutes(app);
  messageRoutes(app);
  searchRoutes(app);
  reportRoutes(app);
  moderationRoutes(app);
  notificationLevelRoutes(app);
  return closed(app);
}

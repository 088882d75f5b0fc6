import { authenticate } from "../auth.ts";
import { closed, dialect } from "../dialect.ts";
import type { ErrorForm } from "../errors.ts";
import { jsonBody, requestLimits } from "../limits.ts";
import { chatRoutes } from "./chats.ts";
import { creationRoutes } from "./creation.ts";
import { fileRoutes } from "./files.ts";
import { messageRoutes } from "./messages.ts";
import { CHATS } from "./schemas.ts";

const errors: ErrorForm = {
  body: ({ message, code, details }) => ({
    success: false,
    error: message,
    code,
    ...(details && { details }),
  }),
  statuses: { unknown_user: 404 },
};

/** The marketplace chat API: decoding, a call, presenting. */
export function marketplace() {
  const app = dialect(errors);
  app.use(authenticate({ reach: "staff", kinds: CHATS }), requestLimits);
  fileRoutes(app);
  app.use(jsonBody);
  creationRoutes(app);
  chatRoutes(app);
  messageRoutes(app);
  return closed(app);
}

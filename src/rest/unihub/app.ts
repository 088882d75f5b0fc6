import { authenticate } from "../auth.ts";
import { dialect } from "../dialect.ts";
import { plainErrorBody } from "../errors.ts";
import { jsonBody, requestLimits } from "../limits.ts";
import { conversationRoutes } from "./conversations.ts";
import { messageRoutes } from "./messages.ts";

/** The UniHub chat API: decoding, a call, presenting. */
export function unihub() {
  const app = dialect(plainErrorBody);
  app.use(authenticate, requestLimits, jsonBody);
  conversationRoutes(app);
  messageRoutes(app);
  return app;
}

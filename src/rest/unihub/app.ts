import { authenticate } from "../auth.ts";
import { closed, dialect } from "../dialect.ts";
import { plainErrors } from "../errors.ts";
import { jsonBody, requestLimits } from "../limits.ts";
import { attachmentRoutes, uploadRoutes } from "./attachments.ts";
import { channelMemberRoutes } from "./channel-members.ts";
import { channelRoutes } from "./channels.ts";
import { conversationRoutes } from "./conversations.ts";
import { markRoutes } from "./marks.ts";
import { messageRoutes } from "./messages.ts";

/** The UniHub chat API: decoding, a call, presenting. */
export function unihub() {
  const app = dialect(plainErrors);
  app.use(authenticate(), requestLimits);
  uploadRoutes(app);
  app.use(jsonBody);
  conversationRoutes(app);
  messageRoutes(app);
  attachmentRoutes(app);
  markRoutes(app);
  channelRoutes(app);
  channelMemberRoutes(app);
  return closed(app);
}

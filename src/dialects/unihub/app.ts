import { authenticate } from "../../edge/auth.ts";
import { closed, dialect } from "../../edge/dialect.ts";
import { jsonBody } from "../../edge/json-body.ts";
import { requestLimits } from "../../edge/request-limits.ts";
import { attachmentRoutes, uploadRoutes } from "./routes/attachments.ts";
import { banRoutes } from "./routes/bans.ts";
import { channelMemberRoutes } from "./routes/channel-members.ts";
import { channelRoutes } from "./routes/channels.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { markRoutes } from "./routes/marks.ts";
import { messageRoutes } from "./routes/messages.ts";
import { moderationRoutes } from "./routes/moderation.ts";
import { notificationLevelRoutes } from "./routes/notifications.ts";
import { reportRoutes } from "./routes/reports.ts";
import { requestRoutes } from "./routes/requests.ts";
import { searchRoutes } from "./routes/search.ts";

/** The UniHub chat API: decodes, calls and presents. */
export function unihub() {
  const app = dialect();
  app.use(authenticate(), requestLimits);
  uploadRoutes(app);
  app.use(jsonBody);
  conversationRoutes(app);
  requestRoutes(app);
  messageRoutes(app);
  searchRoutes(app);
  notificationLevelRoutes(app);
  attachmentRoutes(app);
  markRoutes(app);
  reportRoutes(app);
  channelRoutes(app);
  channelMemberRoutes(app);
  moderationRoutes(app);
  banRoutes(app);
  return closed(app);
}

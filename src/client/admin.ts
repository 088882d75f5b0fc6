/** What the package exports as `parley-chat-client/admin`: what admins call, and the types of what staff see. */
export {
  type AdminConversation,
  Administration,
  type AdminUser,
  type FoundConversation,
  type FoundConversations,
  type FoundUser,
  type Job,
  type Subject,
  type UserConversations,
} from "./administration.ts";
export type { AuditFilter, AuditLog, Bans, Report, Reports, Staff } from "./staff.ts";

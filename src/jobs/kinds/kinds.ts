import type { JobKind } from "../../domain/job.ts";
import { type AnyJob, jobOf } from "../kind.ts";
import { deleteConversation } from "./delete-conversation.ts";
import { eraseUser } from "./erase-user.ts";
import { exportConversation } from "./export-conversation.ts";
import { exportUser } from "./export-user.ts";
import { legalHold } from "./legal-hold.ts";
import { rebuild } from "./rebuild.ts";
import { restoreConversation } from "./restore-conversation.ts";
import { retention } from "./retention.ts";

/** The kinds of job that there are; a kind of a later version is none. */
export const KINDS: Partial<Record<JobKind, AnyJob>> = {
  "erase-user": jobOf(eraseUser),
  rebuild: jobOf(rebuild),
  retention: jobOf(retention),
  "legal-hold": jobOf(legalHold),
  "restore-conversation": jobOf(restoreConversation),
  "delete-conversation": jobOf(deleteConversation),
  "export-conversation": jobOf(exportConversation),
  "export-user": jobOf(exportUser),
};

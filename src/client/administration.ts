import type { z } from "zod";
import type {
  AdminConversation,
  AdminUser,
  AdminUsers,
  adminConversationsSchema,
  userConversationsSchema,
} from "../contract/administration.ts";
import type { JobAnswer, jobAnswerSchema, jobsSchema } from "../contract/jobs.ts";
import type { Place } from "./rest.ts";
import type { Staff } from "./staff.ts";

export type { AdminConversation, AdminUser };
export type Job = JobAnswer;
export type FoundUser = AdminUsers["items"][number];
export type FoundConversations = z.infer<typeof adminConversationsSchema>;
export type FoundConversation = FoundConversations["items"][number];
export type UserConversations = z.infer<typeof userConversationsSchema>;

type WithJob = z.infer<typeof jobAnswerSchema>;
type Jobs = z.infer<typeof jobsSchema>;

/** What a legal hold, an export or a deletion is about. */
export type Subject = "users" | "conversations";

/**
 * What admins may do beside {@link Staff}, of which it uses the connection. A reason is for the audit log. What takes
 * long is a job, which goes on by itself.
 */
export class Administration {
  private readonly http: Staff["http"];

  constructor({ http }: Pick<Staff, "http">) {
    this.http = http;
  }

  /** Users by their id, or by words of their name. */
  users(q: string, place: Place = {}): Promise<AdminUsers> {
    return this.http.get("/users", { q, ...place });
  }

  user(id: string): Promise<AdminUser> {
    return this.http.get(to("users", id));
  }

  userConversations(id: string, place: Place = {}): Promise<UserConversations> {
    return this.http.get(to("users", id, "conversations"), place);
  }

  conversations(title: string, place: Place = {}): Promise<FoundConversations> {
    return this.http.get("/conversations", { title, ...place });
  }

  conversation(id: string): Promise<AdminConversation> {
    return this.http.get(to("conversations", id));
  }

  /** Jobs, the newest first. */
  jobs(query: { state?: Job["state"]; target?: string } & Place = {}): Promise<Jobs> {
    return this.http.get("/jobs", query);
  }

  async cancelJob(id: string): Promise<Job> {
    const { job } = await this.http.send<WithJob>("POST", to("jobs", id, "cancel"));
    return job;
  }

  /** Where the archive of an export can be downloaded, for a day. */
  archive(jobId: string): Promise<{ url: string; expiresAt: string; size: number }> {
    return this.http.get(to("jobs", jobId, "archive"));
  }

  async export(what: Subject, id: string, reason: string): Promise<Job> {
    const { job } = await this.http.send<WithJob>("POST", to(what, id, "export"), { reason });
    return job;
  }

  async eraseUser(id: string, messages: "clear" | "keep", reason: string): Promise<Job> {
    const body = { messages, reason };
    const { job } = await this.http.send<WithJob>("POST", to("users", id, "erase"), body);
    return job;
  }

  async deleteConversation(id: string, reason: string): Promise<Job> {
    const { job } = await this.http.send<WithJob>("DELETE", to("conversations", id), { reason });
    return job;
  }

  /** Places a legal hold, or lifts it; of a user, a job brings it to their conversations. */
  async setHold(what: Subject, id: string, stands: boolean, reason: string): Promise<void> {
    const method = stands ? "PUT" : "DELETE";
    await this.http.send(method, to(what, id, "legal-hold"), { reason });
  }
}

/**
 * A path of encoded parts. Not that of `http.ts`: a bundle that is loaded later would share that module, and its
 * schemas, with the start of a page.
 */
function to(...parts: string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

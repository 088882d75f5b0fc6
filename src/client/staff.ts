import type { z } from "zod";
import type { AuditLog } from "../contract/audit.ts";
import type { Bans, banBody, unbanBody } from "../contract/bans.ts";
import type { ReportItem, Reports, resolveBody } from "../contract/reports.ts";
import { Http, path } from "./http.ts";
import type { Place } from "./rest.ts";
import type { Tokens } from "./tokens.ts";

export type Report = ReportItem;
export type { AuditLog, Bans, Reports };

/** Filters of the audit log; times are ISO 8601. */
export type AuditFilter = {
  actorId?: string;
  targetId?: string;
  conversationId?: string;
  action?: string;
  after?: string;
  before?: string;
};

/** What staff may do: reports for roles `resolver` and `admin`, the rest for `admin`. */
export class Staff {
  /** For what is loaded when it is needed: `Administration`. */
  readonly http: Http;

  constructor(url: string, tokens: Tokens, fetcher: typeof fetch) {
    this.http = new Http(new URL("/api/admin", url).href, tokens, fetcher);
  }

  /** Reported messages: open ones, unless another state is named. */
  reports(query: { state?: Report["state"] } & Place = {}): Promise<Reports> {
    return this.http.get("/reports", query);
  }

  /** Claims an open report, so that nobody else resolves it meanwhile. */
  claimReport(id: string): Promise<Report> {
    return this.http.send("POST", path`/reports/${id}/claim`);
  }

  releaseReport(id: string): Promise<Report> {
    return this.http.send("POST", path`/reports/${id}/release`);
  }

  /** Records what was done about a report; does nothing else. */
  resolveReport(id: string, outcome: z.input<typeof resolveBody>): Promise<Report> {
    return this.http.send("POST", path`/reports/${id}/resolve`, outcome);
  }

  /** Bans a user from the service; their connections end within ten seconds. */
  banUser(userId: string, ban: z.input<typeof banBody> = {}): Promise<void> {
    return this.http.send("PUT", path`/users/${userId}/ban`, ban);
  }

  unbanUser(userId: string, why: z.input<typeof unbanBody> = {}): Promise<void> {
    return this.http.send("DELETE", path`/users/${userId}/ban`, why);
  }

  bans(place: Place = {}): Promise<Bans> {
    return this.http.get("/bans", place);
  }

  audit(query: AuditFilter & Place = {}): Promise<AuditLog> {
    return this.http.get("/audit", query);
  }
}

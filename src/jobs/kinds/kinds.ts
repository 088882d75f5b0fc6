import type { JobKind } from "../../domain/job.ts";
import type { AnyJob } from "../kind.ts";

/** The kinds of job that there are; a kind of a later version is none. */
export const KINDS: Partial<Record<JobKind, AnyJob>> = {};

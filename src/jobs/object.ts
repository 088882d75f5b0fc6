import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";

/** The object of one job. */
export class Job extends DurableObject<Env> {}

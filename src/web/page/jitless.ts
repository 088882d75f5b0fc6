import { config } from "zod";

/**
 * zod would try, with its first schema, whether it may compile: the policy of this page says no, and
 * browsers report each attempt. Imported before whatever has schemas.
 */
config({ jitless: true });

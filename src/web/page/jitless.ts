import { config } from "zod";

/**
 * With its first schema zod tests whether it may compile code. The page's policy forbids it, and browsers
 * report each attempt. Import this before any module with schemas.
 */
config({ jitless: true });

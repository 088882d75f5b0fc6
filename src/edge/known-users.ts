import { KnownUsers } from "../directory/users.ts";

/** People whom this isolate has stored lately. */
export const knownUsers = new KnownUsers();

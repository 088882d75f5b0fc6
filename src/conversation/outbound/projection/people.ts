import type { Directory } from "../../../directory/directory.ts";
import { addMissingUsers } from "../../../directory/users.ts";
import { presentMembers } from "../../tables/members.ts";

/** People in one statement: with the longest ids, names and addresses some 1 MB. */
const PAGE = 100;

/** Adds to D1 the present members that it does not have, as they were when they joined. */
export async function addMembers(directory: Directory, sql: SqlStorage): Promise<void> {
  for (let offset = 0; ; offset += PAGE) {
    const members = presentMembers(sql, PAGE, offset);
    if (members.length > 0) await addMissingUsers(directory, members);
    if (members.length < PAGE) return;
  }
}

import type { Directory } from "../../../directory/directory.ts";
import { addMissingUsers } from "../../../directory/users.ts";
import { presentMembers } from "../../tables/members.ts";

/** People that one statement tells D1 of: with the longest ids, names and addresses less than 1 MB. */
const PAGE = 200;

/** Tells D1 of the present members, as they were when they joined; whom it knows stays as they are. */
export async function addMembers(directory: Directory, sql: SqlStorage): Promise<void> {
  for (let offset = 0; ; offset += PAGE) {
    const members = presentMembers(sql, PAGE, offset);
    if (members.length > 0) await addMissingUsers(directory, members);
    if (members.length < PAGE) return;
  }
}

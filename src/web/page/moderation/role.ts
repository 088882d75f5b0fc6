/**
 * Whether a token may be an admin's: "admin" is a value in it, in whichever claim the server looks for roles. The
 * server decides, and refuses who is none.
 */
export function mayBeAdmin(token: string): boolean {
  try {
    const [, payload = ""] = token.split(".");
    return atob(payload.replace(/-/g, "+").replace(/_/g, "/")).includes('"admin"');
  } catch {
    return false;
  }
}

import { claimAt } from "../../../domain/claim.ts";

/**
 * Whether a token is an admin's, as the server reads it; the server alone verifies it. `roleClaim` is its setting
 * `JWT_ROLE_CLAIM`.
 */
export function isAdminToken(token: string, roleClaim: string | undefined): boolean {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
    const roles = (roleClaim ? [roleClaim] : ["role", "roles"])
      .map((name) => claimAt(claims, name))
      .find((value) => value !== undefined);
    return [roles].flat().includes("admin");
  } catch {
    return false;
  }
}

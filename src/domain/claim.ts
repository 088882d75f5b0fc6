/**
 * The claim of a token that a setting names: a claim with exactly this name (`sub`, a URI, a name
 * with dots), else one within objects, by a path of names separated by dots (`realm_access.roles`).
 * Names on the path may contain dots. Only own properties count; `undefined`: not found.
 */
export function claimAt(claims: unknown, name: string): unknown {
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) return undefined;
  const own = new Map<string, unknown>(Object.entries(claims));
  if (own.has(name)) return own.get(name);
  for (let dot = name.indexOf("."); dot !== -1; dot = name.indexOf(".", dot + 1)) {
    const found = claimAt(own.get(name.slice(0, dot)), name.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

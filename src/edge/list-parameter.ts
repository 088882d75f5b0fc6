/**
 * The values of a query parameter that is a list, repeated or with commas between its values. A comma
 * that is encoded (`%2C`) belongs to its value, so that this reads the address as it was sent. Empty
 * values are passed over; `undefined`: the parameter is not there.
 */
export function listParameter(url: string, name: string): string[] | undefined {
  const [, query = ""] = /\?([^#]*)/.exec(url) ?? [];
  const given = query.split("&").flatMap((pair) => {
    const [key = "", ...values] = pair.split("=");
    return decoded(key) === name ? [values.join("=")] : [];
  });
  if (given.length === 0) return undefined;
  return given.flatMap((value) => value.split(",").filter(Boolean).map(decoded));
}

/** As forms encode text; what is not encoded rightly stays. */
function decoded(text: string): string {
  // A plain ampersand is none of it, an equals sign may be.
  return new URLSearchParams(`=${text}`).get("") ?? "";
}

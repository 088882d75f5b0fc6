/**
 * The values of a list parameter, repeated or separated by commas. An encoded comma (`%2C`) is part
 * of a value, so the URL is read as sent. Empty values are ignored; `undefined`: the parameter is
 * absent.
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

/** Decodes form encoding; invalid sequences stay as they are. */
function decoded(text: string): string {
  // The text contains no ampersand; it may contain an equals sign.
  return new URLSearchParams(`=${text}`).get("") ?? "";
}

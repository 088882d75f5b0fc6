/**
 * A frame as it was sent, in which values that differ between runs are replaced by names: each of
 * `names` (people, the epoch), the conversation, its messages (`m1`, `m2`, …), and times.
 */
export function literal(
  frame: string | undefined,
  conversationId: string,
  names: Record<string, string> = {},
): string {
  const key = conversationId.slice(0, -10);
  let text = (frame ?? "").replaceAll(conversationId, "<c>");
  text = text.replace(new RegExp(`${key}([0-9a-f]{10})`, "g"), (_, digits: string) => {
    return `<m${Number.parseInt(digits, 16)}>`;
  });
  for (const [value, name] of Object.entries(names)) text = text.replaceAll(value, `<${name}>`);
  return text.replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"<time>"');
}

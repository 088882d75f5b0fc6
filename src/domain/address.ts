/**
 * Which network addresses count as one for a limit. An IPv6 client controls at least a /64 and can
 * use any address of it; an IPv4 address is one.
 */

/** The key of anything that is not an address. */
const UNKNOWN = "unknown";

const BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
/** Numbers with a leading zero are rejected: they could be octal. */
const IPV4 = new RegExp(`^${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}$`);
const LOOPBACK = [0, 0, 0, 0, 0, 0, 0, 1];
/** IPv4 written as IPv6: `::ffff:192.0.2.1`. */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];

/** Four bytes, or eight groups of 16 bits. */
type Address = { bytes: number[] } | { groups: number[] };

/**
 * The key under which an address is counted: an IPv4 address (also in its IPv6 form), or the /64 of
 * an IPv6 address. Anything else shares one key.
 */
export function addressKey(text: string | undefined): string {
  const address = parse(text ?? "");
  if (!address) return UNKNOWN;
  if ("bytes" in address) return address.bytes.join(".");
  const prefix = address.groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(":")}::/64`;
}

/** Whether an address is a loopback address. */
export function isLoopback(text: string): boolean {
  const address = parse(text);
  if (!address) return false;
  return "bytes" in address ? address.bytes[0] === 127 : begins(address.groups, LOOPBACK);
}

function parse(text: string): Address | undefined {
  const bytes = bytesOf(text.trim());
  if (bytes) return { bytes };
  const groups = groupsOf(text.trim());
  if (!groups) return undefined;
  if (!begins(groups, MAPPED)) return { groups };
  return { bytes: groups.slice(MAPPED.length).flatMap((group) => [group >> 8, group & 0xff]) };
}

function bytesOf(text: string): number[] | undefined {
  return IPV4.exec(text)?.slice(1).map(Number);
}

/** Parses IPv6 (RFC 4291); a zone (`%eth0`) is ignored. */
function groupsOf(text: string): number[] | undefined {
  const [address = ""] = text.split("%", 1);
  const [head, tail, ...more] = inHex(address).split("::").map(partsOf);
  if (!head || more.length > 0) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // `::` replaces one group or more.
  if (tail ? missing < 1 : missing !== 0) return undefined;
  const parts = [...head, ...Array<string>(missing).fill("0"), ...(tail ?? [])];
  if (!parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16));
}

/** The last 32 bits may be written as IPv4. */
function inHex(text: string): string {
  const start = text.lastIndexOf(":") + 1;
  const bytes = start > 0 ? bytesOf(text.slice(start)) : undefined;
  if (!bytes) return text;
  const [a, b, c, d] = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  return `${text.slice(0, start)}${a}${b}:${c}${d}`;
}

function partsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

function begins(groups: readonly number[], beginning: readonly number[]): boolean {
  return beginning.every((group, index) => groups[index] === group);
}

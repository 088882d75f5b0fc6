/** Which addresses push messages are sent to: a subscription's endpoint is a URL that a user supplies. */

/** Characters of an endpoint at most; those of the public services have some 200 to 600. */
export const MAX_ENDPOINT_LENGTH = 2_048;

/**
 * Why nothing is sent to an endpoint, as a sentence that does not contain it; `undefined`: it is fine.
 * `hosts`: names, `*.` before a name for all below it, or `http://` before a loopback host, with any port.
 */
export function endpointFault(endpoint: string, hosts: readonly string[]): string | undefined {
  if (endpoint.length > MAX_ENDPOINT_LENGTH) return `at most ${MAX_ENDPOINT_LENGTH} characters`;
  if (!URL.canParse(endpoint)) return "not an address";
  const url = new URL(endpoint);
  if (url.username !== "" || url.password !== "") return "an address without credentials";
  if (url.protocol === "http:" && hosts.includes(`http://${url.hostname}`)) return undefined;
  if (url.protocol !== "https:") return "not an https address";
  const isListed = hosts.some((host) =>
    host.startsWith("*.") ? url.host.endsWith(host.slice(1)) : url.host === host,
  );
  return isListed ? undefined : "not an address of a push service that this server uses";
}

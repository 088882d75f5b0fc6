import { call, type Deployment, isLocal, type Reply, reasonOf, refusalOf } from "./deployment.ts";
import { error, type Finding, note, ok, warning } from "./finding.ts";
import { closeCodeOf } from "./sockets.ts";

/** What anybody can find out of a deployment, without a token. */

/** A conversation that does not exist: a socket without a token is refused before that is looked at. */
const NO_CONVERSATION = "00000000-0000-8000-8000-000000000000";
/** Difference of clocks that is worth a word: a `Date` header has seconds. */
const MAX_SKEW_MS = 10_000;

/** Findings, and whether it makes sense to go on. */
export async function lookFromOutside(
  given: Deployment,
): Promise<{ findings: Finding[]; isUp: boolean }> {
  const stranger = { ...given, token: undefined };
  const findings = [securityOf(given)];
  let reply: Reply;
  try {
    reply = await call(stranger, "GET", "/healthz");
  } catch (thrown) {
    const says = `Nobody answers at ${given.origin}: ${reasonOf(thrown)}.`;
    const mend =
      "Check the address, its DNS record and certificate, and that the Worker is deployed (npx wrangler deployments list).";
    return { findings: [...findings, error("unreachable", says, mend)], isUp: false };
  }
  const answers = answersOf(reply);
  findings.push(answers);
  if (answers.level === "error") return { findings, isUp: false };
  findings.push(clockOf(reply));
  const looks = [refusesStrangers, hasNoDemonstration, acceptsSockets];
  for (const look of looks) {
    findings.push(
      await look(stranger).catch((thrown) =>
        error("unreachable", `A request was not answered: ${reasonOf(thrown)}.`, "Run it again."),
      ),
    );
  }
  return { findings, isUp: true };
}

function securityOf(deployment: Deployment): Finding {
  if (deployment.origin.startsWith("https:")) return ok("https", "The address is https.");
  if (isLocal(deployment)) return note("https", "The address is of this machine, without https.");
  return error(
    "no_https",
    "The address is not https: tokens and messages travel in the clear.",
    "Use the https address; browsers need it for pushes as well.",
  );
}

function answersOf(reply: Reply): Finding {
  const { status, body, took } = reply;
  const said = typeof body === "object" && body !== null ? body : {};
  if (status === 200 && "status" in said && said.status === "ok") {
    return ok("reachable", `The Worker answers in ${took} ms, and its settings are valid.`);
  }
  if (status === 503 && "code" in said && said.code === "misconfigured") {
    return error(
      "misconfigured",
      "The Worker refuses every request, because its settings or secrets are not valid.",
      "The event misconfigured in the log names the setting: npx wrangler tail, and open the address once more.",
    );
  }
  if (status >= 300 && status < 400) {
    return error(
      "redirected",
      `The address redirects to ${reply.headers.get("Location")}.`,
      "Give the address that it redirects to, and set it as PUBLIC_URL.",
    );
  }
  return error(
    "not_parley",
    `Something answers ${refusalOf(reply)} to GET /healthz, and it is no Parley.`,
    "Check the address and the routes of wrangler.toml; a page of Cloudflare Access or of a proxy may stand before it.",
  );
}

function clockOf({ headers, at }: Reply): Finding {
  const date = Date.parse(headers.get("Date") ?? "");
  if (Number.isNaN(date)) return note("clock", "The answer has no Date.");
  const skew = at - date;
  if (Math.abs(skew) <= MAX_SKEW_MS) return ok("clock", "This computer's clock is the server's.");
  return warning(
    "clock_skew",
    `This computer's clock is ${Math.abs(Math.round(skew / 1_000))} s ${skew > 0 ? "ahead of" : "behind"} the server's.`,
    "Set it by NTP; if it signs your tokens, they expire at the wrong time, or are refused.",
  );
}

async function refusesStrangers(stranger: Deployment): Promise<Finding> {
  const reply = await call(stranger, "GET", "/api/v1/chat/conversations");
  if (reply.status === 401) return ok("tokens_required", "Requests without a token are refused.");
  return error(
    "tokens_not_required",
    `A request without a token is answered ${refusalOf(reply)} instead of 401.`,
    "Something before the Worker adds a token, or answers for it: remove that.",
  );
}

async function hasNoDemonstration(stranger: Deployment): Promise<Finding> {
  const { status } = await call(stranger, "GET", "/api/development/people");
  if (status !== 200) return ok("production", "It gives nobody a token of demonstration people.");
  if (isLocal(stranger)) return note("production", "It runs in development, on this machine.");
  return error(
    "development",
    "It runs in development, with secrets that everybody knows: anybody can sign a token of an admin.",
    "Remove ENVIRONMENT from the variables, set the three secrets (npx wrangler secret put …), and deploy.",
  );
}

async function acceptsSockets(stranger: Deployment): Promise<Finding> {
  const code = await closeCodeOf(stranger, `/live/${NO_CONVERSATION}`);
  if (code === undefined) {
    return note(
      "sockets",
      "This Node has no WebSocket, so sockets were not tried.",
      "Use Node 22.",
    );
  }
  if (code === 4401) return ok("sockets", "Sockets reach the Worker, which refuses strangers.");
  return error(
    "sockets_blocked",
    `A socket without a token ends with ${code} instead of 4401.`,
    "A proxy or firewall before the Worker lets no WebSocket through (Cloudflare: Network → WebSockets).",
  );
}

import { z } from "zod";
import { call, type Deployment, type Reply, refusalOf } from "./deployment.ts";
import { error, type Finding, note, ok, warning } from "./finding.ts";
import { Listening } from "./sockets.ts";

/** A message that is sent over REST, arrives on a socket, and is deleted. */

/**
 * The one to whom the caller writes. The conversation of the two is always the same one and stays: deleting it
 * would use up an id with every run.
 */
export const PROBE_PERSON = { id: "parley-doctor", name: "Parley doctor", bot: true };

const UNIHUB = "/api/v1/chat";
const created = z.object({ conversationId: z.string() });
const sent = z.object({ messageId: z.string() });

/** Writes to {@link PROBE_PERSON} as the token's user, and takes it back. */
export async function roundTrip(deployment: Deployment): Promise<Finding[]> {
  const provisioned = await call(deployment, "PUT", "/api/users", { users: [PROBE_PERSON] });
  if (provisioned.status !== 200) return [failed("provision somebody", provisioned)];
  const direct = await call(deployment, "POST", `${UNIHUB}/conversations/direct`, {
    otherUserId: PROBE_PERSON.id,
  });
  const conversation = created.safeParse(direct.body);
  if (!conversation.success) return [failed("create a conversation", direct)];
  const { conversationId } = conversation.data;
  const listening = Listening.to(deployment, `/live/${conversationId}`);
  try {
    const greeting = await listening?.hears('"type":"sync"');
    if (greeting !== undefined) return [unheard("A socket was not greeted", greeting)];
    return await written(deployment, conversationId, listening);
  } finally {
    listening?.close();
  }
}

async function written(
  deployment: Deployment,
  conversationId: string,
  listening: Listening | undefined,
): Promise<Finding[]> {
  const begun = Date.now();
  const answer = await call(deployment, "POST", `${UNIHUB}/messages`, {
    conversationId,
    content: "A message of npm run doctor, which deletes it.",
    // Nobody is notified of it.
    silent: true,
  });
  const message = sent.safeParse(answer.body);
  if (!message.success) return [failed("send a message", answer)];
  const { messageId } = message.data;
  const missed = await listening?.hears('"type":"message"', messageId);
  const took = Date.now() - begun;
  const removed = await call(deployment, "DELETE", `${UNIHUB}/messages/${messageId}`);
  const findings: Finding[] = [];
  if (!listening) {
    findings.push(note("message", `A message was stored in ${took} ms; sockets were not tried.`));
  } else if (missed !== undefined) {
    findings.push(unheard("A message was sent, and did not arrive on a socket", missed));
  } else
    findings.push(ok("message", `A message arrived on a socket ${took} ms after it was sent.`));
  if (answer.headers.has("Warning")) {
    findings.push(
      warning(
        "lists_late",
        "The lists did not have the message within 250 ms.",
        "Look for projection_failed in the log: docs/operations.md, Limits and capacity.",
      ),
    );
  }
  if (removed.status !== 200) findings.push(failed("delete the message", removed));
  return findings;
}

function failed(what: string, reply: Reply): Finding {
  return error(
    "message_failed",
    `It was not possible to ${what}: ${refusalOf(reply)}.`,
    `Look in the log for the request ${reply.headers.get("X-Request-Id")}.`,
  );
}

function unheard(what: string, why: string): Finding {
  return error("socket_failed", `${what}: ${why}.`, "See the codes in docs/protocol.md, Closing.");
}

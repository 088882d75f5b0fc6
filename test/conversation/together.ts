import { runInDurableObject } from "cloudflare:test";
import type { Submitted } from "../../src/conversation/api.ts";
import type { Command } from "../../src/conversation/decide/types.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { objectOf } from "../support.ts";

/** Who commands, and the kinds of conversation that the address has to which they do. */
type By = { userId: string } & Pick<Actor, "kinds">;

/**
 * Commits commands in one group, in this order; a refused command opens the group. Resolves to each
 * outcome: `ok`, or its code.
 */
export async function together(
  conversationId: string,
  commands: readonly (readonly [By, Command])[],
): Promise<string[]> {
  const results = await answersTogether(conversationId, commands);
  return results.map((result) => (result.ok ? "ok" : result.error.code));
}

/** As `together`, with the answers themselves; `actor`: further fields of the acting user. */
export function answersTogether(
  conversationId: string,
  commands: readonly (readonly [By, Command])[],
  actor: Partial<Actor> = {},
): Promise<Submitted["result"][]> {
  return runInDurableObject(objectOf(conversationId), async (instance) => {
    const submit = ({ userId, kinds }: By, command: Command): Promise<Submitted> =>
      instance.submit({ ...actorCalled(userId), ...(kinds && { kinds }), ...actor }, command, {
        wait: true,
        readers: false,
      });
    const opening = submit({ userId: "nobody" }, { type: "archive" });
    const submitted = commands.map(([by, command]) => submit(by, command));
    await opening;
    const answers = await Promise.all(submitted);
    return answers.map(({ result }) => result);
  });
}

/** A send command with this text. */
export function text(content: string): Command {
  return { type: "send", kind: "text", content, maxLength: 2_000 };
}

function actorCalled(userId: string): Actor {
  return { userId, name: null, avatarUrl: null, role: "user", reach: "member" };
}

import type { ErasureProgress } from "../../conversation/erase-api.ts";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { conversationsNaming, eraseFromConversation } from "../../directory/erasure.ts";
import { isHeld } from "../../directory/legal-holds.ts";
import { conversationsAfter } from "../../directory/register.ts";
import type { ErasedMessages, Replacement } from "../../domain/erasure.ts";
import type { JobContext } from "../kind.ts";
import { deleteConversation } from "../kinds/delete-conversation.ts";
import { collectPeople } from "./acquaintances.ts";
import type { EraseUserState } from "./state.ts";

/** For how long a step begins with further conversations. */
const STEP_MS = 3_000;

/**
 * Erases the person in some of their conversations, one after the other: the state behind them. `held`: a legal
 * hold stands, on the person or on a conversation that they are or were in.
 */
export async function eraseSomeConversations(
  context: JobContext,
  replacement: Replacement,
  messages: ErasedMessages,
  before: EraseUserState,
): Promise<EraseUserState | "held"> {
  const { env, clock, jobId } = context;
  const directory = directoryOf(env.DB);
  const { userId } = replacement;
  let state = before;
  for (const until = clock() + STEP_MS; clock() < until; ) {
    const { current } = state;
    if (!current) {
      if (await isHeld(directory, { userId })) return "held";
      const [id] = state.isEverywhere
        ? await conversationsAfter(directory, state.after, 1)
        : await conversationsNaming(directory, userId, state.after, 1);
      if (id === undefined) return { ...state, phase: "acquaintances", after: "" };
      // Stored before it is erased: D1 may not say any more then that it named the person.
      return { ...state, current: { id, from: 1 } };
    }
    if (current.from === 1) await collectPeople(context, current.id);
    const { id, from } = current;
    const request = { ...replacement, by: `${jobId}:${state.pass}`, messages, from };
    const progress = await eraseIn(context, id, request);
    if (progress === "held") return "held";
    if (progress && "from" in progress) return { ...state, current: { id, from: progress.from } };
    // D1 is written by itself; what is removed there now would be written again.
    if (progress && !progress.isListed) return { ...state, current };
    await eraseFromConversation(directory, replacement, messages, id);
    state = { ...state, current: null, after: id, conversations: state.conversations + 1 };
    if (progress?.isDeserted) {
      const params = { conversationId: id };
      return { ...state, deleting: { id, state: deleteConversation.begin(params) } };
    }
  }
  return state;
}

/** The last call restarts the object, which ends it; the same again finds that it is done. */
async function eraseIn(
  { env }: JobContext,
  conversationId: string,
  request: Parameters<ReturnType<typeof conversationOf>["erase"]>[0],
): Promise<ErasureProgress | undefined> {
  const call = () => conversationOf(env, conversationId).erase(request);
  return await call().catch(call);
}

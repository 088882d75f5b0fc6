import type { ServerEvent } from "../../src/live/events.ts";
import type { Socket } from "../support.ts";

export type Answer = Extract<ServerEvent, { type: "ack" | "error" | "sync" | "found" }>;

let commands = 0;

/** Sends a command with a unique id and resolves to its answer. */
export async function answerTo(socket: Socket, frame: object): Promise<Answer> {
  const id = `command-${++commands}`;
  let from = socket.events.length;
  let answer: Answer | undefined;
  socket.send({ ...frame, id });
  await socket.until(() => {
    for (; from < socket.events.length && !answer; from++) {
      const event = socket.events[from];
      if (event && "id" in event && event.id === id) answer = event;
    }
    return answer !== undefined;
  });
  if (!answer) throw new Error("unreachable");
  return answer;
}

/** As `answerTo`, for a command that must succeed; resolves to its ack. */
export async function acked(socket: Socket, frame: object) {
  const answer = await answerTo(socket, frame);
  if (answer.type !== "ack") throw new Error(`no ack, but ${JSON.stringify(answer)}`);
  return answer;
}

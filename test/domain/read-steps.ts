import fc from "fast-check";
import { unreachable } from "../../src/domain/error.ts";
import type { ComparedReads } from "./compared-reads.ts";

export const PEOPLE = ["ada", "bob", "cyd", "dee"];

/**
 * Members and messages are selected by numbers, modulo the existing ones, so that runs shrink well.
 */
type Step =
  | { do: "send"; who: number; times: number }
  | { do: "sendAsSystem" }
  | { do: "delete"; message: number }
  | { do: "join"; who: number }
  | { do: "leave"; who: number }
  | { do: "markUpTo"; who: number; message: number }
  | { do: "markAll"; who: number }
  | { do: "markSome"; who: number; messages: number[] }
  | { do: "tellLists" };

const who = fc.nat(PEOPLE.length - 1);
/** Often one of the first few, so that a run uses the same message several times. */
const message = fc.oneof(fc.nat(7), fc.nat(200));
const messages = fc.array(message, { maxLength: 5 });
const burst = fc.integer({ min: 2, max: 9 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send"), who, times: fc.constant(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("send"), who, times: burst }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sendAsSystem") }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("delete"), message }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("join"), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave"), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("markUpTo"), who, message }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("markAll"), who }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("markSome"), who, messages }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("tellLists") }) },
);

/** Up to 60 steps; without `size`, half of all runs would have fewer than six. */
export const steps = fc.array(step, { maxLength: 60, size: "max" });

/** Executes a step if it is possible: there are no marks in a conversation without members. */
export function take(twins: ComparedReads, step: Step): void {
  const present = PEOPLE.filter((userId) => twins.isPresent(userId));
  const absent = PEOPLE.filter((userId) => !twins.isPresent(userId));
  const number = (pick: number) => 1 + (pick % Math.max(1, twins.lastNumber));
  switch (step.do) {
    case "send":
      // A user who is not a member acts as staff.
      twins.send(...Array.from({ length: step.times }, () => PEOPLE[step.who] ?? "eve"));
      break;
    case "sendAsSystem":
      twins.send(undefined);
      break;
    case "delete":
      twins.delete(number(step.message));
      break;
    case "join":
      withOne(absent, step.who, (userId) => twins.join(userId));
      break;
    case "leave":
      withOne(present, step.who, (userId) => twins.leave(userId));
      break;
    case "markUpTo":
      withOne(present, step.who, (userId) => twins.markUpTo(userId, number(step.message)));
      break;
    case "markAll":
      withOne(present, step.who, (userId) => twins.markUpTo(userId, twins.lastNumber));
      break;
    case "markSome":
      withOne(present, step.who, (userId) => twins.markSome(userId, step.messages.map(number)));
      break;
    case "tellLists":
      twins.updateLists();
      break;
    default:
      unreachable(step);
  }
}

function withOne(from: readonly string[], pick: number, action: (userId: string) => void): void {
  const userId = from[pick % Math.max(1, from.length)];
  if (userId !== undefined) action(userId);
}

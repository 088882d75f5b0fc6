import { afterEach, expect, test, vi } from "vitest";
import { Random } from "../random.ts";
import { type Answer, type Caller, person } from "../support.ts";
import { bytes, png } from "./samples.ts";
import { BOUNDARY, formOf, postForm, stored, watchParts } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const MUTATIONS = 1_000;
/** Bodies without a length count as a whole part each; an isolate accepts twelve. */
const AT_ONCE = 10;
/** Set this to a number to repeat a run. */
const SEED = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

const form = formOf(
  { name: "content", content: "a caption" },
  { name: "file", filename: "photo.png", content: bytes(png(), "\r\n--", BOUNDARY.slice(0, -1)) },
  { name: "clientMessageId", content: "k1" },
);

const MUTATE: ((body: Uint8Array, random: Random) => Uint8Array)[] = [
  // replaces a byte
  (body, random) => body.with(random.below(body.length), random.below(256)),
  // inserts a special byte
  (body, random) => {
    const special = bytes('\r\n-:;="\0 ');
    return body.with(random.below(body.length), special[random.below(special.length)] ?? 0);
  },
  // truncates
  (body, random) => body.subarray(0, random.below(body.length)),
  // removes a piece
  (body, random) => {
    const from = random.below(body.length);
    return bytes(body.subarray(0, from), body.subarray(from + 1 + random.below(40)));
  },
  // repeats a piece
  (body, random) => {
    const from = random.below(body.length);
    const to = from + 1 + random.below(200);
    return bytes(body.subarray(0, to), body.subarray(from, to), body.subarray(to));
  },
  // inserts a piece from another place
  (body, random) => {
    const [at, from] = [random.below(body.length), random.below(body.length)];
    const piece = body.subarray(from, from + 1 + random.below(60));
    return bytes(body.subarray(0, at), piece, body.subarray(at));
  },
];

function mutated(random: Random): Uint8Array {
  let body = form;
  for (let times = 1 + random.below(3); times > 0 && body.length > 0; times--) {
    body = random.pick(MUTATE)(body, random);
  }
  return body;
}

/** A stream of the body in pieces of random sizes. */
function inPieces(body: Uint8Array, random: Random): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= body.length) return controller.close();
      const end = offset + 1 + random.below(200);
      controller.enqueue(body.slice(offset, end));
      offset = end;
    },
  });
}

async function attempt(alice: Caller, number: number): Promise<Answer> {
  const random = new Random(SEED + number);
  const body = mutated(random);
  const sent = random.below(2) === 0 ? body : inPieces(body, random);
  return postForm(alice, "/api/v1/chat/messages/upload", sent);
}

test(`a thousand malformed forms are all answered, and leave no orphans (seed ${SEED})`, async () => {
  const alice = await person();
  expect((await postForm(alice, "/api/v1/chat/messages/upload", form)).status).toBe(200);
  const parts = watchParts();
  let taken = 1;
  for (let first = 0; first < MUTATIONS; first += AT_ONCE) {
    const group = Array.from({ length: AT_ONCE }, (_, i) => first + i);
    const answers = await Promise.all(group.map((number) => attempt(alice, number)));
    for (const [i, { status, body }] of answers.entries()) {
      const which = `mutation ${first + i} of seed ${SEED}`;
      expect([200, 400], which).toContain(status);
      expect(body, which).toHaveProperty(status === 200 ? "fileUrl" : "code");
      if (status === 200) taken++;
    }
  }
  const { objects, rows } = await stored();
  expect(rows).toEqual(objects);
  expect(objects.length).toBe(taken);
  expect(taken, "some are harmless").toBeGreaterThan(1);
  expect(taken, "most are not").toBeLessThan(MUTATIONS);
  expect(await parts.open()).toBe(0);
});

import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import {
  Admission,
  MAX_HELD_BYTES,
  MAX_UPLOADS_A_PERSON,
} from "../../src/attachments/admission.ts";
import { receiveForm } from "../../src/attachments/form.ts";
import { PACE, patienceMs } from "../../src/attachments/pace.ts";
import { CHUNK_BYTES, PART_BYTES, readThrough } from "../../src/attachments/stream.ts";
import { receiveBody, Upload } from "../../src/attachments/upload.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { spend } from "../../src/directory/spending.ts";
import { bytes, png, zeros } from "../attachments/samples.ts";
import {
  BOUNDARY,
  FORM_HEADERS,
  freePermit,
  postForm,
  putFile,
  stored,
  streamOf,
  upload,
  watchParts,
} from "../attachments/support.ts";
import { type Answer, type Caller, ORIGIN, person } from "../support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const directory = directoryOf(env.DB);
const UPLOAD = "/api/v1/chat/messages/upload";
const FORM_HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
const FORM_TAIL = `\r\n--${BOUNDARY}--\r\n`;
const MIB = 1024 * 1024;
const LIMIT = 2_048;

/** A body that sends `content` and then stalls until `end` is called. */
function stalled(content: Uint8Array): { body: ReadableStream<Uint8Array>; end: () => void } {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const ignore = () => undefined;
  writer.write(content).catch(ignore);
  return { body: readable, end: () => void writer.close().catch(ignore) };
}

function uploadOf(): Upload {
  const name = "a.png";
  const now = Date.now();
  return new Upload({
    bucket: env.FILES,
    directory,
    ownerId: "u",
    name,
    now,
    permit: freePermit(),
  });
}

/** A pace that allows practically no wait. */
const IMPATIENT = { ...PACE, idleMs: 1 };

test("a sender may pause for 30 s, and after a minute must reach an average of 1 KB a second", () => {
  expect(patienceMs(PACE, 0, 0)).toBe(30_000);
  expect(patienceMs(PACE, 1, 29_000)).toBe(30_000);
  expect(patienceMs(PACE, 1, 45_000)).toBe(15_000);
  expect(patienceMs(PACE, 1, 60_000)).toBe(0);
  expect(patienceMs(PACE, 60 * 1_024, 60_000)).toBe(0);
  expect(patienceMs(PACE, 70 * 1_024, 60_000)).toBe(10_000);
  expect(patienceMs(PACE, 50 * MIB, 60_000)).toBe(30_000);
});

test.each([16, PART_BYTES + 16])(
  "a body that stops after %i bytes stores nothing",
  async (size) => {
    const before = await stored();
    const parts = watchParts();
    const content = bytes(png(), zeros(size));
    const byPut = await receiveBody(stalled(content).body, uploadOf(), IMPATIENT);
    expect(byPut).toMatchObject({ ok: false, error: { code: "upload_timeout" } });
    const body = stalled(bytes(FORM_HEAD, content)).body;
    const request = new Request(ORIGIN, { method: "POST", headers: FORM_HEADERS, body });
    const byForm = await receiveForm(request, uploadOf, IMPATIENT);
    expect(byForm).toMatchObject({ ok: false, error: { code: "upload_timeout" } });
    expect(parts.begun()).toBe(size > PART_BYTES ? 2 : 0);
    expect(await parts.open()).toBe(0);
    expect(await stored()).toEqual(before);
  },
);

test("a body that trickles is refused for its rate, although it never stops", async () => {
  // The clock advances ten seconds for each byte.
  let at = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => {
    at += 10_000;
    return at;
  });
  let received = 0;
  const trickle = streamOf(zeros(1), 100, undefined, zeros(1));
  const take = async (chunk: Uint8Array) => {
    received += chunk.length;
    return true;
  };
  expect(await readThrough(eachByte(trickle), take)).toBe("too slow");
  expect(received).toBe(6);
});

/** A body in chunks of one byte. */
function eachByte(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      for (const byte of chunk) controller.enqueue(Uint8Array.of(byte));
    },
  });
  return body.pipeThrough(pieces).pipeThrough(new IdentityTransformStream());
}

test("the body of a refused upload is read for at most half a minute, and the refusal is kept", async () => {
  const { body } = stalled(bytes("no picture, ", zeros(100)));
  const upload = uploadOf();
  const refuse = async (chunk: Uint8Array) => {
    await upload.write(chunk);
    return false;
  };
  expect(await readThrough(body, refuse, { ...PACE, drainMs: 1 })).toBe("complete");
});

test("all timers are cleared", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const cleared = vi.spyOn(globalThis, "clearTimeout");
  await readThrough(eachByte(streamOf(zeros(1), 100)), async () => true);
  // Others of this runtime set timers meanwhile.
  const isOwn = (index: number) => String(set.mock.calls[index]?.[0]).includes("too slow");
  const timers = set.mock.results.filter((_, index) => isOwn(index)).map(({ value }) => value);
  expect(timers.length).toBeGreaterThan(3);
  expect(cleared.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(timers));
});

test("the reserved memory grows with the received bytes", async () => {
  const upload = uploadOf();
  const held: number[] = [];
  for (const size of [16, CHUNK_BYTES - 16, 1, 500_000, 4 * MIB]) {
    await upload.write(new Uint8Array(size));
    held.push(upload.held / CHUNK_BYTES);
  }
  expect(held).toEqual([1, 1, 2, 16, 80]);
  await upload.abort();
  expect(upload.held).toBe(0);
});

test("a form with too much data outside its file is refused early", async () => {
  const alice = await person();
  for (const [head, tail] of [
    ["preamble", `\r\n${FORM_HEAD}`],
    [`${FORM_HEAD}x\r\n--${BOUNDARY}--\r\n`, "x"],
    [`--${BOUNDARY}\r\nContent-Disposition: x\r\n\r\n`, FORM_HEAD],
  ] as const) {
    let made = 0;
    const count = (chunk: Uint8Array) => {
      made += chunk.length;
    };
    const body = streamOf(bytes(head), 120 * MIB, count, bytes(tail, png(), FORM_TAIL));
    const answer = await postForm(alice, UPLOAD, body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_form"]);
    expect(made).toBeLessThan(20 * MIB);
  }
});

/** Starts uploads that stall in the middle; resolves once this many are being read. */
async function begun(caller: Caller, count: number) {
  let reading = 0;
  const { write } = Upload.prototype;
  vi.spyOn(Upload.prototype, "write").mockImplementation(function (this: Upload, chunk) {
    reading++;
    return write.call(this, chunk);
  });
  const uploads = Array.from({ length: count }, () => stalled(png()));
  const answers = uploads.map(({ body }) => putFile(caller, "a.png", body));
  for (let tries = 0; reading < count && tries < 1_000; tries++) {
    await env.DB.prepare("SELECT 1").all();
  }
  expect(reading).toBe(count);
  return {
    end: async () => {
      for (const { end } of uploads) end();
      return (await Promise.all(answers)).map(({ status }) => status);
    },
  };
}

function expectLimited({ status, headers, body }: Answer, limit: string) {
  expect([status, body.code, body.limit]).toEqual([429, "rate_limited", limit]);
  expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
}

test("429 for a fifth concurrent upload, before any of it is buffered; other users may upload", async () => {
  const [alice, bob] = [await person(), await person()];
  const { end } = await begun(alice, MAX_UPLOADS_A_PERSON);
  const write = vi.spyOn(Upload.prototype, "write");
  write.mockClear();
  expectLimited(await putFile(alice, "a.png", png()), "concurrent_uploads");
  expectLimited(await upload(alice, "a.png", png()), "concurrent_uploads");
  expect(write).not.toHaveBeenCalled();
  expect((await putFile(bob, "a.png", png())).status).toBe(200);
  expect(await end()).toEqual([200, 200, 200, 200]);
  expect((await putFile(alice, "a.png", png())).status).toBe(200);
});

test("an admin may have more of them", async () => {
  const admin = await person("admin", { role: "admin" });
  const { end } = await begun(admin, MAX_UPLOADS_A_PERSON + 1);
  expect(await end()).toEqual([200, 200, 200, 200, 200]);
});

test("an isolate buffers 64 MiB of all users' uploads, and accepts another one after one has ended", () => {
  const admission = new Admission();
  const places = [];
  for (let i = 0; ; i++) {
    const entered = admission.enter(`user-${i}`, undefined, 0);
    if (!entered.ok) {
      expect(entered.error).toMatchObject({ code: "unavailable", retryAfterMs: 5_000 });
      break;
    }
    places.push(entered.value);
  }
  expect(places).toHaveLength(Math.floor(MAX_HELD_BYTES / (PART_BYTES + 2 * CHUNK_BYTES)));
  // A small upload with a known length still fits.
  expect(admission.enter("small", 1_000, 0).ok).toBe(true);
  const [first] = places;
  if (first) admission.leave(first);
  expect(admission.enter("another", 50 * MIB, 0).ok).toBe(true);
});

test("an upload that the platform cut off frees its place after five minutes", () => {
  const admission = new Admission();
  const enter = (now: number) => admission.enter("alice", 10, now).ok;
  expect([0, 0, 0, 0, 0].map(enter)).toEqual([true, true, true, true, false]);
  expect(enter(5 * 60_000)).toBe(false);
  expect(enter(5 * 60_000 + 1)).toBe(true);
});

/** The amounts that a user has used of the upload allowance. */
async function spent({ userId }: Caller): Promise<number[]> {
  const { results } = await env.DB.prepare(
    "SELECT amount FROM spending WHERE user_id = ? AND name = 'upload_megabytes_per_hour' ORDER BY rowid",
  )
    .bind(userId)
    .all<{ amount: number }>();
  return results.map(({ amount }) => amount);
}

/** Uses up a user's hour except for this many MiB. */
async function leave({ userId }: Caller, megabytes: number): Promise<void> {
  const expense = { name: "upload_megabytes_per_hour", amount: LIMIT - megabytes, limit: LIMIT };
  await spend(directory, userId, [expense], Date.now());
}

test("uploads count in MiB, rounded up: at the beginning if their length is known, otherwise while they arrive", async () => {
  const alice = await person();
  await putFile(alice, "a.png", png());
  await upload(alice, "a.png", png());
  await putFile(alice, "a.png", bytes(png(), zeros(MIB)));
  expect(await spent(alice)).toEqual([1, 1, 2]);
  const bob = await person();
  const long = streamOf(png(), 11 * MIB);
  expect((await putFile(bob, "a.png", long)).status).toBe(200);
  expect(await spent(bob)).toEqual([1, 5, 5, 1]);
  // A refused upload counts, because it was transferred.
  expect((await putFile(bob, "a.png", "no picture")).status).toBe(400);
  expect(await spent(bob)).toEqual([1, 5, 5, 1, 1]);
});

test("429 beyond the hour's allowance, before a byte is read, and it does not count", async () => {
  const alice = await person();
  await leave(alice, 1);
  const write = vi.spyOn(Upload.prototype, "write");
  expectLimited(
    await putFile(alice, "a.png", bytes(png(), zeros(MIB))),
    "upload_megabytes_per_hour",
  );
  expect(write).not.toHaveBeenCalled();
  expect((await putFile(alice, "a.png", png())).status).toBe(200);
  expectLimited(await upload(alice, "a.png", png()), "upload_megabytes_per_hour");
});

test("429 when a file of unknown length exceeds the allowance, and nothing is stored", async () => {
  const alice = await person();
  await leave(alice, 6);
  const before = await stored();
  const parts = watchParts();
  const body = streamOf(png(), 11 * MIB);
  expectLimited(await putFile(alice, "a.png", body), "upload_megabytes_per_hour");
  expect([parts.begun(), await parts.open()]).toEqual([1, 0]);
  expect(await stored()).toEqual(before);
});

test("an admin's uploads do not count", async () => {
  const admin = await person("admin", { role: "admin" });
  expect((await putFile(admin, "a.png", png())).status).toBe(200);
  expect(await spent(admin)).toEqual([]);
});

test("408 for an upload that stalls for 30 s, as a body and as a form", async () => {
  const alice = await person();
  const before = await stored();
  const later = setTimeout.bind(globalThis);
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) =>
    later(work, ms === PACE.idleMs ? 1 : ms)) as typeof setTimeout);
  for (const { status, body } of [
    await putFile(alice, "a.png", stalled(png()).body),
    await postForm(alice, UPLOAD, stalled(bytes(FORM_HEAD, png())).body),
  ]) {
    expect([status, body.code]).toEqual([408, "upload_timeout"]);
  }
  expect(await stored()).toEqual(before);
});

import { afterEach, expect, test, vi } from "vitest";
import { Caller, directPair, fetchJson, groupOf, ORIGIN, person, tokenFor } from "../support.ts";
import { sample } from "./samples.ts";
import { deleteMessage, getFile, putFile, sendUploads, upload } from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const HOUR = 60 * 60_000;
const TEXT = "0123456789";

/** A user with an uploaded text of ten bytes that is not sent. */
async function uploaded(): Promise<{ alice: Caller; url: string; path: string }> {
  const alice = await person("alice");
  const { body } = await upload(alice, "digits.txt", TEXT);
  return { alice, url: body.fileUrl, path: new URL(body.fileUrl).pathname };
}

/** The answer to a request for a file. */
async function asked(url: string, headers: Record<string, string> = {}, method = "GET") {
  const response = await getFile(url, { method, headers });
  const { status } = response;
  const text = new TextDecoder().decode(await response.arrayBuffer());
  return { status, headers: response.headers, text };
}

const bearer = ({ token }: Caller) => ({ Authorization: `Bearer ${token}` });

test("a link serves the file with headers that prevent browsers from executing it", async () => {
  const { url } = await uploaded();
  const { status, headers, text } = await asked(url);
  expect([status, text]).toEqual([200, TEXT]);
  expect(Object.fromEntries(headers)).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-length": "10",
    "content-disposition": "attachment; filename=digits.txt",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
    etag: expect.stringMatching(/^"[^"]+"$/),
    "x-request-id": expect.any(String),
  });
  expect(headers.get("cache-control")).toBe("private, max-age=3600, no-transform");
});

test("pages of an allowed origin may read files and refusals, also with a token", async () => {
  const { alice, url, path } = await uploaded();
  const answers = async (Origin: string) => [
    await asked(url, { Origin }),
    await asked(url, { Origin, Range: "bytes=2-4" }),
    await asked(path, { Origin, ...bearer(alice) }),
    await asked(path, { Origin }),
  ];
  const own = await answers(ORIGIN);
  expect(own.map(({ status }) => status)).toEqual([200, 206, 200, 401]);
  for (const { headers } of own) {
    expect(headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
    expect(headers.get("Access-Control-Expose-Headers")).toContain("Content-Disposition");
    expect(headers.get("Vary")).toContain("Origin");
  }
  for (const { headers } of await answers("https://elsewhere.test")) {
    expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(headers.get("Vary")).toContain("Origin");
  }
  const preflight = await asked(
    path,
    {
      Origin: ORIGIN,
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "authorization",
    },
    "OPTIONS",
  );
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
  expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
});

test("HEAD answers the same without a body", async () => {
  const { url } = await uploaded();
  const get = await asked(url);
  const head = await asked(url, {}, "HEAD");
  expect([head.status, head.text]).toEqual([200, ""]);
  const same = ({ headers }: { headers: Headers }) =>
    [...headers].filter(([name]) => name !== "x-request-id");
  expect(same(head)).toEqual(same(get));
  expect((await asked(url, { Range: "bytes=0-1" }, "HEAD")).status).toBe(200);
});

test.each([
  ["bytes=0-0", "0", "0-0"],
  ["bytes=2-4", "234", "2-4"],
  ["bytes=7-", "789", "7-9"],
  ["bytes=-3", "789", "7-9"],
  ["bytes=-99", TEXT, "0-9"],
  ["bytes=8-99", "89", "8-9"],
  ["bytes=0-9", TEXT, "0-9"],
])("the range %s is %s", async (range, text, served) => {
  const { url } = await uploaded();
  const answer = await asked(url, { Range: range, "Accept-Encoding": "gzip" });
  expect([answer.status, answer.text]).toEqual([206, text]);
  // Only in development, because of the Worker that Miniflare puts in front.
  expect(answer.headers.get("content-encoding")).toBe("identity");
  expect(answer.headers.get("cache-control")).toContain("no-transform");
  expect(answer.headers.get("content-range")).toBe(`bytes ${served}/10`);
  expect(answer.headers.get("content-length")).toBe(String(text.length));
});

test.each(["bytes=10-", "bytes=99-100", "bytes=-0"])("the range %s is 416", async (range) => {
  const { url } = await uploaded();
  const answer = await asked(url, { Range: range });
  expect([answer.status, answer.text]).toEqual([416, ""]);
  expect(answer.headers.get("content-range")).toBe("bytes */10");
});

test.each(["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=1"])(
  "the range %s is ignored",
  async (range) => {
    const { url } = await uploaded();
    const answer = await asked(url, { Range: range });
    expect([answer.status, answer.text]).toEqual([200, TEXT]);
    expect(answer.headers.get("content-range")).toBeNull();
  },
);

test("a client with the current entity tag gets 304", async () => {
  const { url } = await uploaded();
  const etag = (await asked(url)).headers.get("etag") ?? "";
  for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = await asked(url, { "If-None-Match": tags, Range: "bytes=0-1" });
    expect([answer.status, answer.text]).toEqual([304, ""]);
    expect(answer.headers.get("etag")).toBe(etag);
  }
  expect((await asked(url, { "If-None-Match": '"other"' })).status).toBe(200);
});

test("a range with If-Range is served only for the same file", async () => {
  const { url } = await uploaded();
  const etag = (await asked(url)).headers.get("etag") ?? "";
  const Range = "bytes=5-";
  expect((await asked(url, { Range, "If-Range": etag })).text).toBe("56789");
  for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) {
    expect((await asked(url, { Range, "If-Range": other })).text).toBe(TEXT);
  }
});

test("a file keeps its original name, in any script", async () => {
  const alice = await person();
  const { body } = await putFile(alice, 'Ünicode "概要" 100%.txt', TEXT);
  const disposition = (await asked(body.fileUrl)).headers.get("content-disposition") ?? "";
  expect(disposition).toMatch(/^attachment; filename="[\x20-\x7e]+"; filename\*=UTF-8''/);
  const extended = disposition.split("filename*=UTF-8''").at(-1) ?? "";
  expect(decodeURIComponent(extended)).toBe('Ünicode "概要" 100%.txt');
});

test.each([
  ["png", "inline", "image/png"],
  ["mp4", "inline", "video/mp4"],
  ["mp3", "inline", "audio/mpeg"],
  ["pdf", "inline", "application/pdf"],
  ["txt", "attachment", "text/plain; charset=utf-8"],
  ["md", "attachment", "text/markdown; charset=utf-8"],
  ["zip", "attachment", "application/zip"],
  ["docx", "attachment", sample("docx").mimeType],
])("%s is served as %s", async (extension, disposition, type) => {
  const alice = await person();
  const { body } = await upload(alice, `a.${extension}`, sample(extension).content);
  const byToken = await asked(new URL(body.fileUrl).pathname, bearer(alice));
  for (const { headers } of [await asked(body.fileUrl), byToken]) {
    expect(headers.get("content-disposition")).toBe(`${disposition}; filename=a.${extension}`);
    expect(headers.get("content-type")).toBe(type);
  }
});

/** Changes one part of a link. */
function altered(url: string, change: (link: URL) => void): string {
  const link = new URL(url);
  change(link);
  return link.href;
}

const set = (name: string, value: string) => (link: URL) => link.searchParams.set(name, value);

test("an invalid, altered or expired signature is 403, for every caller", async () => {
  const { alice, url } = await uploaded();
  const other = (await upload(alice, "other.txt", "other")).body.fileUrl;
  const { searchParams } = new URL(url);
  const signature = searchParams.get("signature") ?? "";
  const later = String(Number(searchParams.get("expires")) + 3_600);
  const links = [
    altered(url, set("signature", "")),
    altered(url, set("signature", "x")),
    altered(url, set("signature", `${signature}x`)),
    altered(url, set("signature", signature.slice(1) + signature[0])),
    altered(url, set("expires", later)),
    altered(url, set("expires", "1")),
    altered(url, set("expires", `0${searchParams.get("expires")}`)),
    altered(url, set("expires", "never")),
    altered(url, set("disposition", "inline")),
    altered(url, (link) => link.searchParams.delete("signature")),
    altered(url, (link) => link.searchParams.delete("expires")),
    altered(url, (link) => link.searchParams.delete("disposition")),
    new URL(other).origin + new URL(other).pathname + new URL(url).search,
  ];
  for (const link of links) {
    const answer = await fetchJson(link.slice(ORIGIN.length), { headers: bearer(alice) });
    expect([link, answer.status, answer.body.code]).toEqual([link, 403, "invalid_link"]);
  }
  expect((await asked(url)).status).toBe(200);
});

test("a link is valid for a day, is identical within an hour, and then expires", async () => {
  const start = Math.ceil(Date.now() / HOUR) * HOUR;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(start);
  const { alice, conversationId } = await directPair();
  await sendUploads(alice, conversationId, [await upload(alice, "digits.txt", TEXT)]);
  const reader = new Caller(alice.userId, await tokenFor(alice.userId, { expiresIn: 86_400 }));
  const link = async () => {
    const path = `/api/v1/chat/messages?conversationId=${conversationId}`;
    return (await reader.get(path)).body.items[0].attachments[0].fileUrl;
  };
  const first = await link();
  vi.setSystemTime(start + HOUR - 1);
  expect(await link()).toBe(first);
  vi.setSystemTime(start + HOUR);
  expect(await link()).not.toBe(first);
  vi.setSystemTime(start + 25 * HOUR - 1);
  expect((await asked(first)).status).toBe(200);
  vi.setSystemTime(start + 25 * HOUR);
  expect((await asked(first)).status).toBe(403);
});

test("by token: the uploader at once, members after it is sent, strangers never", async () => {
  const { alice, bob, conversationId } = await directPair();
  const carol = await person("carol");
  const file = await upload(alice, "digits.txt", TEXT);
  const path = new URL(file.body.fileUrl).pathname;
  const seen = async () => [
    (await asked(path, bearer(alice))).status,
    (await asked(path, bearer(bob))).status,
    (await asked(path, bearer(carol))).status,
    (await asked(path)).status,
  ];
  expect(await seen()).toEqual([200, 403, 403, 401]);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect(await seen()).toEqual([200, 200, 403, 401]);
  const admin = await person("admin", { role: "admin" });
  expect((await asked(path, bearer(admin))).status).toBe(403);
});

test("a member who left a group has no access by token", async () => {
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  const conversationId = await groupOf(alice, bob, carol);
  const file = await upload(alice, "digits.txt", TEXT);
  await sendUploads(alice, conversationId, [file]);
  const path = new URL(file.body.fileUrl).pathname;
  expect((await asked(path, bearer(carol))).text).toBe(TEXT);
  const left = await carol.delete(
    `/api/v1/chat/conversations/${conversationId}/participants/${carol.userId}`,
  );
  expect(left.status).toBeLessThan(300);
  expect((await asked(path, bearer(carol))).status).toBe(403);
});

test("a refusal names the reason, and distinguishes an invalid token", async () => {
  const { path } = await uploaded();
  const answer = await fetchJson(path, { headers: { Authorization: "Bearer x" } });
  expect([answer.status, answer.body.code]).toEqual([401, "unauthenticated"]);
  expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  expect(answer.headers.get("x-request-id")).toBeTruthy();
});

test("an unknown path is not found", async () => {
  const { alice, path } = await uploaded();
  for (const wrong of [
    path.replace(/\.txt$/, ".png"),
    path.replace(/[0-9a-f]{12}\./, "000000000000."),
    "/uploads/chat/..%2f..%2fetc",
    "/uploads/chat/x",
  ]) {
    expect((await asked(wrong, bearer(alice))).status).toBe(404);
  }
});

test("a deleted message's files are not served to any user", async () => {
  const { alice, bob, conversationId } = await directPair();
  const file = await upload(alice, "digits.txt", TEXT);
  const { fileUrl } = file.body;
  const sent = await sendUploads(alice, conversationId, [file]);
  expect((await asked(fileUrl)).status).toBe(200);
  await deleteMessage(alice, conversationId, sent.body.messageId);
  const path = new URL(fileUrl).pathname;
  expect((await asked(fileUrl)).status).toBe(404);
  expect((await asked(path, bearer(alice))).status).toBe(404);
  expect((await asked(path, bearer(bob))).status).toBe(404);
});

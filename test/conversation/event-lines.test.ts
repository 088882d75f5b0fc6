import { expect, test, vi } from "vitest";
import { EventLines } from "../../src/conversation/outbound/event-lines.ts";
import type { ServerEvent } from "../../src/live/events.ts";
import type { LinkTo } from "../../src/live/wire.ts";

const FILE = { key: "key", name: "a.txt", mimeType: "text/plain", size: 1 };

/** The encoded lines of one event with a file link. */
function linesOf(publicUrl?: string) {
  const written = vi.fn(
    (linkTo: LinkTo): ServerEvent => ({ type: "error", code: "x", message: linkTo(FILE) }),
  );
  const lines = new EventLines(
    (origin) =>
      ({ key }) =>
        `${origin}/${key}`,
    publicUrl,
  );
  lines.add(written);
  lines.add(() => ({ type: "error", code: "y", message: "" }));
  return { lines, written };
}

test("each origin has its own lines, encoded once", () => {
  const { lines, written } = linesOf();
  expect(lines.length).toBe(2);
  expect(written).not.toHaveBeenCalled();
  for (const origin of ["http://a.test", "http://b.test", "http://a.test"]) {
    expect(lines.for({ origin }).map((line) => JSON.parse(line).message)).toEqual([
      `${origin}/key`,
      "",
    ]);
    expect(lines.frameFor({ origin })).toBe(lines.for({ origin }).join("\n"));
  }
  expect(written).toHaveBeenCalledTimes(2);
});

test("with a PUBLIC_URL all origins share the same lines, encoded once", () => {
  const { lines, written } = linesOf("https://chat.test");
  for (const origin of ["http://a.test", "http://b.test"]) {
    expect(JSON.parse(lines.for({ origin })[0] ?? "").message).toBe("https://chat.test/key");
    expect(lines.for({ origin })).toBe(lines.for({ origin: "http://c.test" }));
  }
  expect(written).toHaveBeenCalledTimes(1);
});

test("a client with short events gets the short versions, and shares the other lines", () => {
  const { lines, written } = linesOf("https://chat.test");
  const [whole, lean] = [{ origin: "" }, { origin: "", lean: true }];
  expect(lines.for(lean)).toBe(lines.for(whole));
  const more = linesOf("https://chat.test");
  more.lines.add(more.written, { type: "error", code: "short", message: "" });
  expect(more.lines.for(lean).slice(0, 2)).toEqual(lines.for(whole));
  expect(more.lines.for(lean).map((line) => JSON.parse(line).code)).toEqual(["x", "y", "short"]);
  expect(more.lines.for(whole).map((line) => JSON.parse(line).code)).toEqual(["x", "y", "x"]);
  expect(written).toHaveBeenCalledTimes(1);
});

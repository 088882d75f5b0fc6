import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Caller, ORIGIN, person } from "../support.ts";
import { DIRECT, fetchWith, MESSAGES, NOBODYS, raw } from "./requests.ts";

type Flag = "retryable" | "overloaded" | "durableObjectReset";

/** The error of a failing object, with the flags that the platform sets. */
function failure(flags: Partial<Record<Flag, boolean>>): Error {
  return Object.assign(new Error("the object is not there"), { remote: true, ...flags });
}

/** Objects of which the first `failures` calls fail; `stubs` counts the stubs requested. */
function objects(failures: Error[]) {
  const message = { number: 1, createdAt: 0 };
  const answers = {
    history: { ok: true, value: { messages: [], total: 0 } },
    submit: { result: { ok: true, value: { rev: 1, message } }, listed: true },
  };
  const left = [...failures];
  const call = async (name: keyof typeof answers) => {
    const error = left.shift();
    if (error) throw error;
    return answers[name];
  };
  const getByName = vi.fn((_name: string) => ({
    history: () => call("history"),
    submit: () => call("submit"),
  }));
  return { CONVERSATIONS: { getByName }, getByName };
}

let alice: Caller;
beforeAll(async () => {
  alice = await person("alice");
});

const read = () => raw(alice, "GET");
const HISTORY = `${MESSAGES}?conversationId=${NOBODYS}`;

function message(more = {}): RequestInit {
  return raw(alice, "POST", JSON.stringify({ conversationId: NOBODYS, content: "x", ...more }));
}

describe("a call of a failing object", () => {
  test("is repeated once, on a new stub, when the platform marks the error as retryable", async () => {
    for (const [path, init, flag] of [
      [HISTORY, read(), "retryable"],
      [HISTORY, read(), "durableObjectReset"],
      [MESSAGES, message({ clientMessageId: "key" }), "retryable"],
    ] as const) {
      const fake = objects([failure({ [flag]: true })]);
      const answer = await fetchWith(fake, path, init);
      expect(answer.status).toBe(path === HISTORY ? 200 : 201);
      expect(fake.getByName.mock.calls).toEqual([
        [NOBODYS, undefined],
        [NOBODYS, undefined],
      ]);
    }
  });

  test("is not repeated a second time: 503 with Retry-After", async () => {
    const again = failure({ retryable: true });
    const fake = objects([again, again]);
    const answer = await fetchWith(fake, HISTORY, read());
    expect(answer.status).toBe(503);
    expect(answer.body.code).toBe("unavailable");
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect(fake.getByName).toHaveBeenCalledTimes(2);
  });

  test("is not repeated when the object is overloaded", async () => {
    const fake = objects([failure({ retryable: true, overloaded: true })]);
    expect((await fetchWith(fake, HISTORY, read())).status).toBe(503);
    expect(fake.getByName).toHaveBeenCalledTimes(1);
  });

  test.each(["retryable", "durableObjectReset"])(
    "is not repeated for a message without an idempotency key: %s",
    async (flag) => {
      const fake = objects([failure({ [flag]: true })]);
      expect((await fetchWith(fake, MESSAGES, message())).status).toBe(503);
      expect(fake.getByName).toHaveBeenCalledTimes(1);
    },
  );

  test("is not repeated after a bug: 500", async () => {
    const fake = objects([new TypeError("a bug")]);
    expect((await fetchWith(fake, HISTORY, read())).status).toBe(500);
    expect(fake.getByName).toHaveBeenCalledTimes(1);
  });
});

describe("a conversation is created near its creator", () => {
  test.each([
    ["EU", { locationHint: "weur" }],
    ["OC", { locationHint: "oc" }],
    ["AN", undefined],
    [undefined, undefined],
  ])("on the continent %s: %j", async (continent, hint) => {
    const bob = await person("bob");
    const asked = vi.spyOn(env.CONVERSATIONS, "getByName");
    const body = JSON.stringify({ otherUserId: bob.userId });
    const cf = continent ? { continent } : {};
    const init = { ...raw(alice, "POST", body), cf } as RequestInit;
    expect((await fetchWith({}, DIRECT, init)).status).toBe(201);
    expect(asked.mock.calls).toEqual([[expect.any(String), hint]]);
    asked.mockRestore();
  });
});

test("no object is called for an invalid conversation id", async () => {
  const fake = objects([]);
  for (const id of [
    "x",
    ORIGIN,
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    `${NOBODYS.slice(0, -1)}1`,
  ]) {
    await fetchWith(fake, `${MESSAGES}?conversationId=${encodeURIComponent(id)}`, read());
    await fetchWith(fake, MESSAGES, message({ conversationId: id }));
  }
  expect(fake.getByName).not.toHaveBeenCalled();
});

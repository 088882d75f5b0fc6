import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { channelWords, haveAll, searchedWords } from "../../../src/domain/name-words.ts";
import { counting, tellInboxes } from "../../conversation/counters.ts";
import { nameOf, queryOf, seeded } from "../../directory/naming.ts";
import { type Caller, channelOf, directPair, groupOf, person, send } from "../../support.ts";

const CHANNELS = "/api/v1/chat/channels";

async function search(caller: Caller, q: string, more = "") {
  return caller.get(`${CHANNELS}/search?q=${encodeURIComponent(q)}${more}`);
}

/** The ids of all pages. */
async function allIds(caller: Caller, q: string, limit = 50): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  for (;;) {
    const { status, body } = await search(caller, q, `&limit=${limit}${cursor}`);
    expect(status).toBe(200);
    ids.push(...body.items.map(({ channelId }: { channelId: string }) => channelId));
    if (body.next === undefined) return ids;
    cursor = `&cursor=${body.next}`;
  }
}

async function created(owner: Caller, name: string, description: string | null, isPublic = true) {
  const { status, body } = await owner.post(CHANNELS, { name, description, isPublic });
  expect(status).toBe(201);
  return String(body.channelId);
}

describe("GET /channels/search", () => {
  test("200 with channels as in lists, those first whose name begins so, then names, then descriptions", async () => {
    const { mark } = seeded();
    const [owner, caller] = [await person(), await person()];
    const described = await created(owner, `aaa ${mark}`, "about xylophones");
    const named = await created(owner, `bbb xylophones ${mark}`, null);
    const beginning = await created(owner, `Xylophones ${mark}`, "music");
    const { status, body } = await search(caller, `xylo`);
    expect(status).toBe(200);
    const ours = body.items.filter(({ name }: { name: string }) => name.endsWith(mark));
    expect(ours.map((one: { channelId: string }) => one.channelId)).toEqual([
      beginning,
      named,
      described,
    ]);
    const { body: all } = await caller.get(`${CHANNELS}/public`);
    for (const channel of ours) expect(all).toContainEqual(channel);
  });

  test("200 with what one may see at that moment: private and archived ones for their members", async () => {
    const { mark } = seeded();
    const [owner, member, stranger] = [await person(), await person(), await person()];
    const open = await channelOf(owner, [member], { name: `open ${mark}` });
    const hidden = await channelOf(owner, [member], { name: `hidden ${mark}`, isPublic: false });
    const closed = await channelOf(owner, [member], { name: `closed ${mark}` });
    expect((await owner.post(`${CHANNELS}/${closed}/archive`)).status).toBe(200);
    for (const [who, found] of [
      [member, [open, hidden, closed]],
      [owner, [open, hidden, closed]],
      [stranger, [open]],
    ] as const) {
      expect((await allIds(who, mark)).sort()).toEqual([...found].sort());
      expect((await allIds(who, mark, 1)).sort()).toEqual([...found].sort());
    }
    const { body } = await search(member, `closed ${mark}`);
    expect(body.items).toMatchObject([{ channelId: closed, isArchived: true }]);
    await member.post(`${CHANNELS}/${hidden}/leave`);
    await owner.delete(`${CHANNELS}/${closed}/members/${member.userId}`);
    expect(await allIds(member, mark)).toEqual([open]);
    await owner.post(`${CHANNELS}/${closed}/unarchive`);
    expect((await allIds(stranger, mark)).sort()).toEqual([open, closed].sort());
    // Groups and conversations of two are no channels.
    await groupOf(owner, member);
    expect(await allIds(owner, "Group")).not.toContain(undefined);
  });

  test("200 with those that a naive filter finds, each once, whatever was renamed, closed, joined and left", async () => {
    const { random, seed, mark } = seeded();
    const [owner, caller] = [await person(), await person()];
    const texts = new Map<string, { name: string; description: string | null }>();
    const isPublic = new Map<string, boolean>();
    const [closed, joined] = [new Set<string>(), new Set<string>()];
    const text = () => ({
      name: nameOf(random, mark).slice(0, 100),
      description: random.chance(0.5) ? nameOf(random, "") : null,
    });
    for (let i = 0; i < 15; i++) {
      const one = text();
      const id = await created(owner, one.name, one.description, random.chance(0.7));
      texts.set(id, one);
      const { body } = await owner.get(`${CHANNELS}/${id}`);
      isPublic.set(id, body.type === "Public");
    }
    const ids = [...texts.keys()];
    const steps: (() => Promise<void>)[] = [
      async () => {
        const [id, one] = [random.pick(ids), text()];
        if (closed.has(id)) return;
        expect((await owner.put(`${CHANNELS}/${id}`, one)).status).toBe(200);
        texts.set(id, one);
      },
      async () => {
        const id = random.pick(ids);
        const isClosed = closed.has(id);
        await owner.post(`${CHANNELS}/${id}/${isClosed ? "unarchive" : "archive"}`);
        if (isClosed) closed.delete(id);
        else closed.add(id);
      },
      async () => {
        const id = random.pick(ids);
        if (closed.has(id)) return;
        if (joined.has(id)) {
          await caller.post(`${CHANNELS}/${id}/leave`);
          joined.delete(id);
          return;
        }
        if (!isPublic.get(id)) {
          await owner.post(`${CHANNELS}/${id}/invitations`, { userId: caller.userId });
        }
        expect((await caller.post(`${CHANNELS}/${id}/join`)).status).toBe(200);
        joined.add(id);
      },
    ];
    for (let i = 0; i < 40; i++) {
      await random.pick(steps)();
      const query = queryOf(random, mark);
      const searched = searchedWords(query);
      const naive = ids.filter((id) => {
        const one = texts.get(id);
        const isShown = joined.has(id) || (isPublic.get(id) === true && !closed.has(id));
        return isShown && one && haveAll(channelWords(one.name, one.description), searched);
      });
      const found = await allIds(caller, query, random.between(1, 20));
      expect(found.sort(), `seed ${seed}, step ${i}, "${query}"`).toEqual(naive.sort());
    }
  });

  test("200 in pages, each channel once, while the caller joins and leaves some", async () => {
    const { mark } = seeded();
    const [owner, caller] = [await person(), await person()];
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) {
      const members = i % 2 === 0 ? [caller] : [];
      ids.push(await channelOf(owner, members, { name: `${mark} ${i}` }));
    }
    const found: string[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page++) {
      const { body } = await search(caller, mark, `&limit=3${cursor}`);
      found.push(...body.items.map(({ channelId }: { channelId: string }) => channelId));
      cursor = `&cursor=${body.next}`;
      for (const [i, id] of ids.entries()) {
        await caller.post(`${CHANNELS}/${id}/${i % 2 === page % 2 ? "leave" : "join"}`);
      }
    }
    expect(found).toEqual(ids);
  });

  test("a cursor has nothing of channels that the caller does not see", async () => {
    const { mark } = seeded();
    const [owner, caller] = [await person(), await person()];
    for (let i = 0; i < 3; i++) {
      await channelOf(owner, [], { name: `${mark} ${i} public` });
      await channelOf(owner, [], { name: `${mark} ${i} secret`, isPublic: false });
    }
    const { body } = await search(caller, mark, "&limit=1");
    expect(atob(body.next)).toContain("0 public");
    expect(await allIds(caller, mark, 1)).toHaveLength(3);
  });

  test("a send writes no words, a new name only what changes", async () => {
    const { mark } = seeded();
    const owner = await person();
    const id = await created(owner, `Ops ${mark}`, "with many words in a description");
    await send(owner, id, "first");
    await tellInboxes(id);
    const { alice, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    await tellInboxes(conversationId);
    const direct = await counting(conversationId, () => send(alice, conversationId, "counted"));
    const sent = await counting(id, () => send(owner, id, "counted"));
    // Its place in the list of public channels.
    expect(sent.d1RowsWritten).toBe(direct.d1RowsWritten + 1);
    const rename = (name: string) => counting(id, () => owner.put(`${CHANNELS}/${id}`, { name }));
    const same = await rename(`OPS ${mark}`);
    const other = await rename(`Dev ${mark}`);
    // The whole name goes, and comes; the word after it stays.
    expect(other.d1RowsWritten - same.d1RowsWritten).toBe(2);
    await owner.post(`${CHANNELS}/${id}/archive`);
    const { results } = await env.DB.prepare("SELECT * FROM channel_words WHERE channel_id = ?")
      .bind(id)
      .all();
    expect(results).toEqual([]);
  });

  test.each([
    ["no q", ""],
    ["an empty q", "q="],
    ["a q of white space", "q=%20"],
    ["a q of 201 characters", `q=${"x".repeat(201)}`],
    ["a q with control characters", "q=a%07"],
    ["a limit of 0", "q=a&limit=0"],
    ["a limit of 51", "q=a&limit=51"],
    ["a cursor that is none", "q=a&cursor=abc"],
    ["a cursor of something else", `q=a&cursor=${btoa("[1,2]")}`],
  ])("400 with %s", async (_, query) => {
    const { status, body } = await (await person()).get(`${CHANNELS}/search?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request", details: expect.any(Array) });
  });

  test("200 with nobody's channels for a cursor of another search", async () => {
    const cursor = btoa(JSON.stringify(["9", "x"]));
    const { status, body } = await search(await person(), "a", `&cursor=${cursor}`);
    expect([status, body]).toEqual([200, { items: [] }]);
  });
});

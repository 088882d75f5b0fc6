import { describe, expect, test } from "vitest";
import { type Answer, type Caller, person, someone } from "../../support.ts";
import { fetchWith, pathsOf, raw } from "../requests.ts";
import { CHATS, expectRefusal } from "./chats.ts";

/**
 * Purchase requests that the host application registers, and the rules when registration is
 * required.
 */

const REQUESTS = "/api/purchase-requests";
const REGISTERED = { PURCHASE_REQUESTS: "registered" };

let requests = 0;
const newRequest = () => `request-${++requests}-${crypto.randomUUID()}`;

const people = () => Promise.all([person("buyer"), person("seller"), person("stranger")]);

const host = () => person("host", { role: "admin" });

/** The chat of a request, where registration is required. */
function about(
  caller: Caller,
  purchaseRequestId: string,
  { userId: sellerId }: { userId: string },
  more = {},
): Promise<Answer> {
  const body = JSON.stringify({ purchaseRequestId, sellerId, ...more });
  return fetchWith(REGISTERED, `${CHATS}/purchase-request`, raw(caller, "POST", body));
}

async function register(...registered: object[]): Promise<void> {
  const answer = await (await host()).put(REQUESTS, { requests: registered });
  expect(answer.body).toEqual({ upserted: registered.length });
}

describe("with PURCHASE_REQUESTS=registered", () => {
  test("404 for a request that is not registered; nothing is created", async () => {
    const [buyer, seller] = await people();
    const request = newRequest();
    const refused = await about(buyer, request, seller);
    expectRefusal(refused, 404, "purchase_request_not_found");
    expectRefusal(await about(seller, request, seller), 404, "conversation_not_found");
    expect((await buyer.get(CHATS)).body.data.chats).toEqual([]);
  });

  test("201 for its buyer with any seller, and 404 for all others", async () => {
    const [buyer, seller, stranger] = await people();
    const id = newRequest();
    await register({ id, buyerId: buyer.userId });
    expectRefusal(await about(stranger, id, seller), 404, "purchase_request_not_found");
    const first = await about(buyer, id, seller);
    expect(first.status).toBe(201);
    expect((await about(buyer, id, seller)).status).toBe(200);
    expect((await about(seller, id, seller)).body.data).toEqual({ chat: first.body.data.chat });
    expect((await about(buyer, id, stranger)).status).toBe(201);
    const nobody = { userId: someone("nobody") };
    expectRefusal(await about(buyer, id, nobody), 404, "unknown_user");
  });

  test("201 only with one of its sellers, if any are registered", async () => {
    const [buyer, seller, stranger] = await people();
    const id = newRequest();
    const sellerIds = [someone("other"), seller.userId];
    await register({ id, buyerId: buyer.userId, sellerIds });
    expectRefusal(await about(buyer, id, stranger), 404, "purchase_request_not_found");
    expectRefusal(await about(stranger, id, seller), 404, "purchase_request_not_found");
    expect((await about(buyer, id, seller)).status).toBe(201);
  });

  test("registering a request again replaces it; its chats stay accessible", async () => {
    const [buyer, seller, other] = await people();
    const id = newRequest();
    await register({ id, buyerId: buyer.userId, sellerIds: [seller.userId] });
    const { chat } = (await about(buyer, id, seller)).body.data;
    await register({ id, buyerId: other.userId, sellerIds: null });
    expect((await about(other, id, seller)).status).toBe(201);
    const again = await about(buyer, id, seller);
    expect(again.status).toBe(200);
    expect(again.body.data.chat._id).toBe(chat._id);
    expectRefusal(await about(buyer, id, other), 404, "purchase_request_not_found");
  });

  test("200 for a chat that was opened before registration was required", async () => {
    const [buyer, seller, stranger] = await people();
    const purchaseRequestId = newRequest();
    const body = { purchaseRequestId, sellerId: seller.userId };
    const { chat } = (await buyer.post(`${CHATS}/purchase-request`, body)).body.data;
    for (const member of [buyer, seller]) {
      const found = await about(member, purchaseRequestId, seller);
      expect(found.status).toBe(200);
      expect(found.body.data.chat._id).toBe(chat._id);
    }
    const refused = await about(stranger, purchaseRequestId, seller);
    expectRefusal(refused, 404, "purchase_request_not_found");
  });
});

describe("PUT /api/purchase-requests", () => {
  test("200 with the number of requests; of several with the same id the last is used", async () => {
    const [buyer, seller, stranger] = await people();
    const id = newRequest();
    const many = Array.from({ length: 498 }, () => ({ id: newRequest(), buyerId: "x" }));
    const both = [buyer, stranger].map(({ userId: buyerId }) => ({ id, buyerId }));
    const answer = await (await host()).put(REQUESTS, { requests: [...many, ...both] });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ upserted: 499 });
    expect((await about(stranger, id, seller)).status).toBe(201);
    expectRefusal(await about(buyer, id, seller), 404, "purchase_request_not_found");
  });

  test("403 for all but admins, with a clear message", async () => {
    const body = { requests: [{ id: newRequest(), buyerId: "x" }] };
    for (const role of ["resolver", "support", "user"]) {
      const answer = await (await person("host", { role })).put(REQUESTS, body);
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ error: expect.any(String), code: "forbidden" });
    }
  });

  test.each([
    [{}, "requests"],
    [{ requests: [] }, "requests"],
    [{ requests: Array.from({ length: 501 }, () => ({ id: "a", buyerId: "b" })) }, "requests"],
    [{ requests: [{ id: "", buyerId: "b" }] }, "requests.0.id"],
    [{ requests: [{ id: "a" }] }, "requests.0.buyerId"],
    [{ requests: [{ id: "a", buyerId: "b\n" }] }, "requests.0.buyerId"],
    [{ requests: [{ id: "a", buyerId: "b", sellerIds: [] }] }, "requests.0.sellerIds"],
    [{ requests: [{ id: "a", buyerId: "b", sellerIds: [7] }] }, "requests.0.sellerIds.0"],
  ])("400 with an invalid body, case %#", async (body, path) => {
    const answer = await (await host()).put(REQUESTS, body);
    expect(answer.status).toBe(400);
    expect(pathsOf(answer)).toEqual([path]);
  });
});

import { afterEach, describe, expect, test, vi } from "vitest";
import { type Caller, person, someone } from "../../support.ts";
import {
  CHATS,
  chatsOf,
  expectInvalid,
  expectRefusal,
  idsOf,
  infoOf,
  participantsOf,
} from "./chats.ts";

afterEach(() => void vi.useRealTimers());

let requests = 0;
function newRequest(): string {
  return `request-${++requests}-${crypto.randomUUID()}`;
}

function about(caller: Caller, purchaseRequestId: string, seller: Caller, more = {}) {
  const body = { purchaseRequestId, sellerId: seller.userId, ...more };
  return caller.post(`${CHATS}/purchase-request`, body);
}

function buyerAndSeller() {
  return Promise.all([person("buyer"), person("seller")]);
}

describe("POST /api/chat/purchase-request", () => {
  test("201 with the chat of buyer and seller, then 200 with the same chat", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    const first = await about(buyer, request, seller);
    expect(first.status).toBe(201);
    expect(first.body.success).toBe(true);
    const { chat } = first.body.data;
    expect(chat).toMatchObject({
      type: "direct",
      title: null,
      purchaseRequestId: request,
      createdBy: buyer.userId,
      lastMessage: null,
      unreadCount: 0,
    });
    expect(participantsOf(chat)).toEqual(idsOf(buyer, seller));
    const again = await about(buyer, request, seller);
    expect(again.status).toBe(200);
    expect(again.body.data.chat).toEqual(chat);
    expect(await chatsOf(seller)).toEqual([chat]);
  });

  test("201 with another chat for another request, and apart from a direct one", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const answers = [
      await about(buyer, newRequest(), seller),
      await about(buyer, newRequest(), seller),
      await buyer.post(CHATS, { participantIds: [seller.userId] }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map((answer) => answer.body.data.chat._id)).size).toBe(3);
  });

  test("201 for a second buyer, who cannot see the first buyer's chat", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const rival = await person("rival");
    const request = newRequest();
    const first = (await about(buyer, request, seller)).body.data.chat;
    const second = await about(rival, request, seller);
    expect(second.status).toBe(201);
    expect(second.body.data.chat._id).not.toBe(first._id);
    expect(participantsOf(second.body.data.chat)).toEqual(idsOf(rival, seller));
    expectRefusal(await rival.get(`${CHATS}/${first._id}/info`), 403, "not_a_member");
  });

  test("201 with different chats for requests and people whose plain concatenations would be equal", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    const first = await about(buyer, `${request},${buyer.userId}`, seller);
    const second = await about(buyer, request, seller);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data.chat._id).not.toBe(first.body.data.chat._id);
  });

  test("200 for the seller, with the oldest chat of the request, and the number of chats", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const stranger = await person("stranger");
    const request = newRequest();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const oldest = (await about(buyer, request, seller)).body.data.chat;
    vi.setSystemTime(Date.now() + 1_000);
    expect((await about(seller, request, seller)).body.data).toEqual({ chat: oldest });
    const later = (await about(stranger, request, seller)).body.data.chat;
    vi.setSystemTime(Date.now() + 1_000);
    await about(buyer, newRequest(), seller);
    const found = await about(seller, request, seller);
    expect(found.status).toBe(200);
    expect(found.body.data).toEqual({ chat: oldest, ambiguous: true });
    // With the buyer's id, each chat is found.
    for (const [{ userId: buyerId }, chat] of [
      [buyer, oldest],
      [stranger, later],
    ] as const) {
      const named = await about(seller, request, seller, { buyerId });
      expect(named.status).toBe(200);
      expect(named.body.data).toEqual({ chat });
    }
  });

  test("404 for the seller with a buyer who has opened no chat", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    await about(buyer, request, seller);
    for (const buyerId of [seller.userId, (await person()).userId, someone("nobody")]) {
      const answer = await about(seller, request, seller, { buyerId });
      expectRefusal(answer, 404, "conversation_not_found");
    }
  });

  test("404 for the buyer of a request as its seller", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    await about(buyer, request, seller);
    expectRefusal(await about(buyer, request, buyer), 404, "conversation_not_found");
  });

  test("a buyer may give their own id as buyer, and no other; null is the same as none", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    const other = await about(buyer, request, seller, { buyerId: seller.userId });
    expectRefusal(other, 400, "invalid_participants");
    expect((await about(buyer, request, seller, { buyerId: buyer.userId })).status).toBe(201);
    expect((await about(buyer, request, seller, { buyerId: null })).status).toBe(200);
    expect((await about(seller, request, seller, { buyerId: null })).status).toBe(200);
  });

  test("404 for a seller of a request without chats; nothing is created", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    expectRefusal(await about(seller, request, seller), 404, "conversation_not_found");
    await about(buyer, request, await person("another seller"));
    expectRefusal(await about(seller, request, seller), 404, "conversation_not_found");
    expect(await chatsOf(seller)).toEqual([]);
  });

  test("404 with an unknown seller", async () => {
    const buyer = await person("buyer");
    const body = { purchaseRequestId: newRequest(), sellerId: someone("nobody") };
    const answer = await buyer.post(`${CHATS}/purchase-request`, body);
    expectRefusal(answer, 404, "unknown_user");
    expect(await chatsOf(buyer)).toEqual([]);
  });

  test.each([
    [{ purchaseRequestId: undefined }, "purchaseRequestId"],
    [{ purchaseRequestId: "" }, "purchaseRequestId"],
    [{ purchaseRequestId: 7 }, "purchaseRequestId"],
    [{ purchaseRequestId: "x".repeat(129) }, "purchaseRequestId"],
    [{ sellerId: undefined }, "sellerId"],
    [{ sellerId: null }, "sellerId"],
    [{ sellerId: "a\nb" }, "sellerId"],
    [{ buyerId: "" }, "buyerId"],
  ])("400 with an invalid body, case %#", async (wrong, path) => {
    const [buyer, seller] = await buyerAndSeller();
    const body = { purchaseRequestId: newRequest(), sellerId: seller.userId, ...wrong };
    expectInvalid(await buyer.post(`${CHATS}/purchase-request`, body), path);
  });

  test("200 and the chat keeps its messages", async () => {
    const [buyer, seller] = await buyerAndSeller();
    const request = newRequest();
    const { _id } = (await about(buyer, request, seller)).body.data.chat;
    await seller.post(`${CHATS}/${_id}/messages`, { content: "for sale" });
    const { chat } = (await about(buyer, request, seller)).body.data;
    expect(chat).toMatchObject({ unreadCount: 1, lastMessage: { content: "for sale" } });
    const { unreadCounts, ...info } = await infoOf(buyer, _id);
    expect(chat).toEqual(info);
    expect(unreadCounts).toEqual({ [buyer.userId]: 1, [seller.userId]: 0 });
  });
});

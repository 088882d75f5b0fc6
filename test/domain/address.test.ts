import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressKey, isLoopback } from "../../src/domain/address.ts";

describe("the key under which an address is counted", () => {
  test.each([
    ["IPv4 is exact", "192.0.2.1", "192.0.2.1"],
    ["its last one", "255.255.255.255", "255.255.255.255"],
    ["with white space around", " 192.0.2.1 ", "192.0.2.1"],
    ["IPv4 written as IPv6", "::ffff:192.0.2.1", "192.0.2.1"],
    ["the same in upper case", "::FFFF:192.0.2.1", "192.0.2.1"],
    ["the same in hexadecimal", "::ffff:c000:201", "192.0.2.1"],
    ["the same written out", "0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["the same with zeros", "0000:0000:0000:0000:0000:ffff:c000:0201", "192.0.2.1"],
    ["IPv6 by its /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["another address of the same /64", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["its first one, compressed", "2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["compressed within", "2001:db8:1:2::6", "2001:db8:1:2::/64"],
    ["compressed across its end", "2001:db8::5:6", "2001:db8:0:0::/64"],
    ["compressed at the beginning", "::3:4:5:6:7:8", "0:0:3:4::/64"],
    ["one group compressed", "2001:db8:1::3:4:5:6", "2001:db8:1:0::/64"],
    ["the next /64", "2001:db8:1:3::6", "2001:db8:1:3::/64"],
    ["upper case", "2001:DB8:A:B::1", "2001:db8:a:b::/64"],
    ["leading zeros", "2001:0db8:0001:0002:0000:0000:0000:0006", "2001:db8:1:2::/64"],
    ["with a zone", "fe80::1%eth0", "fe80:0:0:0::/64"],
    ["with IPv4 at its end", "64:ff9b:1:2::192.0.2.1", "64:ff9b:1:2::/64"],
    ["the machine itself", "::1", "0:0:0:0::/64"],
    ["unspecified", "::", "0:0:0:0::/64"],
  ])("%s", (_, text, key) => {
    expect(addressKey(text)).toBe(key);
  });

  test.each([
    undefined,
    ...["", " ", "unknown", "localhost", "_hidden", "192.0.2", "192.0.2.1.1", "192.0.2.256"],
    ...["192.0.2.01", "192.0.2.-1", "192.0.2.1:443", "192.0.2.1, 192.0.2.2", "0x7f.0.0.1", "1"],
    ...[
      ":",
      ":::",
      "1::2::3",
      "2001:db8",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4::5:6:7:8",
    ],
    ...["1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "g::", "12345::", "[2001:db8::1]", "2001:db8::1/64"],
    ...["192.0.2.1::", "::192.0.2.1:1", "::ffff:192.0.2.256", "::192.0.2", "%eth0", "é::1"],
  ])("invalid input has one key: '%s'", (text) => {
    expect(addressKey(text)).toBe("unknown");
  });

  test("is computed for exactly the IPv6 addresses that Node accepts, in any notation", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const written = fc
      .tuple(fc.array(group, { maxLength: 9 }), fc.nat(9), fc.boolean(), fc.boolean())
      .map(([groups, cut, compressed, upper]) => {
        const parts = groups.map((one) => one.toString(16));
        const text = compressed
          ? `${parts.slice(0, cut).join(":")}::${parts.slice(cut).join(":")}`
          : parts.join(":");
        return upper ? text.toUpperCase() : text;
      });
    fc.assert(
      fc.property(fc.oneof(written, fc.ipV6()), (text) => {
        expect(addressKey(text) !== "unknown").toBe(isIPv6(text));
      }),
    );
  });

  test("is the same for all of a /64 and different for the next", () => {
    const groups = fc.array(fc.integer({ min: 1, max: 0xfffe }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        const text = (parts: number[]) => parts.map((part) => part.toString(16)).join(":");
        const prefix = one.slice(0, 4);
        const key = addressKey(text(one));
        expect(addressKey(text([...prefix, ...other.slice(4)]))).toBe(key);
        const next = [...prefix.slice(0, 3), (prefix[3] ?? 0) + 1];
        expect(addressKey(text([...next, ...one.slice(4)]))).not.toBe(key);
      }),
    );
  });
});

test.each([
  ...(["127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"] as const).map(
    (text) => [text, true] as const,
  ),
  ...(["128.0.0.1", "::", "::2", "::1:1", "192.0.2.1", "localhost", ""] as const).map(
    (text) => [text, false] as const,
  ),
])("the machine's own address is %s: %s", (text, loopback) => {
  expect(isLoopback(text)).toBe(loopback);
});

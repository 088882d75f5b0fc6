import { describe, expect, test } from "vitest";
import { endpointFault, MAX_ENDPOINT_LENGTH } from "../../src/domain/push-endpoint.ts";

const HOSTS = ["fcm.googleapis.com", "*.push.apple.com", "push.example:8443"];
const IN_DEVELOPMENT = [...HOSTS, "http://127.0.0.1"];

describe("an endpoint is sent to", () => {
  test.each([
    "https://fcm.googleapis.com/fcm/send/x",
    "https://fcm.googleapis.com:443/fcm/send/x",
    "HTTPS://FCM.GoogleApis.com/x",
    "https://web.push.apple.com/x",
    "https://a.b.push.apple.com/x?y=z",
    "https://push.example:8443/x",
    `https://fcm.googleapis.com/${"x".repeat(MAX_ENDPOINT_LENGTH - 27)}`,
  ])("%s", (endpoint) => {
    expect(endpointFault(endpoint, HOSTS)).toBeUndefined();
  });

  test("on loopback in development, at any port", () => {
    for (const endpoint of ["http://127.0.0.1:1234/x", "http://127.0.0.1/x"]) {
      expect(endpointFault(endpoint, IN_DEVELOPMENT)).toBeUndefined();
      expect(endpointFault(endpoint, HOSTS)).toBeDefined();
    }
  });
});

test.each([
  "",
  "x",
  "//fcm.googleapis.com/x",
  "javascript:alert(1)",
  "http://fcm.googleapis.com/x",
  "ws://fcm.googleapis.com/x",
  "https://fcm.googleapis.com:8443/x",
  "https://fcm.googleapis.com./x",
  "https://fcm.googleapis.com.evil.test/x",
  "https://evilfcm.googleapis.com/x",
  "https://user@fcm.googleapis.com/x",
  "https://user:pass@fcm.googleapis.com/x",
  "https://fcm.googleapis.com@evil.test/x",
  "https://push.apple.com/x",
  "https://evilpush.apple.com/x",
  "https://web.push.apple.com:444/x",
  "https://push.example/x",
  "https://127.0.0.1/x",
  "https://[::1]/x",
  "https://localhost/x",
  "https://2130706433/x",
  "https://169.254.169.254/latest/meta-data",
  "http://127.0.0.1.evil.test/x",
  "http://user@127.0.0.1/x",
  "http://127.0.0.1@evil.test/x",
  "http://localhost/x",
  `https://fcm.googleapis.com/${"x".repeat(MAX_ENDPOINT_LENGTH)}`,
])("nothing is sent to %s", (endpoint) => {
  const fault = endpointFault(endpoint, IN_DEVELOPMENT);
  expect(fault).toMatch(/./);
  if (endpoint.length > 1) expect(fault).not.toContain(endpoint);
});

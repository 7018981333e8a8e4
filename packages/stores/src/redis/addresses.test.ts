import { expect, test } from "vitest";
import { addressesOf } from "./addresses.ts";

const [a, b] = [
  { host: "a", port: 1 },
  { host: "b", port: 2 },
];

test("they are tried one after the other, and all over again after a pause", () => {
  const addresses = addressesOf([a, b]);
  expect(addresses.current()).toEqual(a);
  expect(addresses.failed(new Error("ECONNREFUSED"))).toBe(true);
  expect(addresses.current()).toEqual(b);
  expect(addresses.failed(new Error("READONLY not the master"))).toBe(false);
  expect(addresses.current()).toEqual(a);
});

test("a cluster's node that has the slot is asked, until it fails", () => {
  const addresses = addressesOf([a, b]);
  expect(addresses.failed(new Error("MOVED 3999 10.0.0.7:6381"))).toBe(true);
  expect(addresses.current()).toEqual({ host: "10.0.0.7", port: 6381 });
  // One that sends on again could do so for ever.
  expect(addresses.failed(new Error("MOVED 3999 10.0.0.8:6381"))).toBe(false);
  expect(addresses.current()).toEqual({ host: "10.0.0.8", port: 6381 });
  expect(addresses.failed(new Error("ECONNRESET"))).toBe(false);
  expect(addresses.current()).toEqual(a);
});

test.each([
  ["MOVED 3999 :6381", { host: "a", port: 6381 }],
  ["MOVED 3999 ::1:6381", { host: "::1", port: 6381 }],
  ["MOVED 3999", b],
  ["MOVED 3999 somewhere", b],
  ["MOVED 3999 host:port", b],
])("%s leads to %j", (message, expected) => {
  const addresses = addressesOf([a, b]);
  addresses.failed(new Error(message));
  expect(addresses.current()).toEqual(expected);
});

import { expect, test } from "vitest";
import { bearer } from "../service/credential.ts";
import { forwardHeaders } from "./forward-headers.ts";

const service = { credential: bearer(), forwardHeaders: new Set(["x-hub-version"]) };
const declared = new Set(["x-hub-team"]);
const forward = (...headers: readonly (readonly [string, string])[]) =>
  forwardHeaders(headers, service, declared);

const MANY = [
  "accept",
  "accept-language",
  "cache-control",
  "content-language",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "traceparent",
  "user-agent",
];
const ONCE = [
  "content-disposition",
  "content-encoding",
  "content-type",
  "idempotency-key",
  "x-hub-team",
  "x-hub-version",
];

test.each([...MANY, ...ONCE])("%s is sent on", (name) => {
  expect(forward([name, "1"])).toEqual({ headers: { [name]: "1" } });
});

test.each(MANY)("%s may occur twice", (name) => {
  expect(forward([name, "1"], [name, "2"])).toEqual({ headers: { [name]: "1, 2" } });
});

test.each(ONCE)("%s may occur once", (name) => {
  expect(forward([name, "1"], [name, "2"])).toMatchObject({
    code: "request_invalid",
    check: "header",
  });
});

test.each([
  "",
  "authorization",
  "cookie",
  "host",
  "via",
  "x-api-key",
  "x-http-method-override",
  "range",
  "if-range",
])("%j stays here", (name) => {
  expect(forward([name, "1"], [name, "2"])).toEqual({ headers: {} });
});

test.each(["constructor", "tostring", "valueof"])("%s is a name like any other", (name) => {
  const own = { ...service, forwardHeaders: new Set([name]) };
  expect(forwardHeaders([[name, "1"]], own, declared)).toEqual({ headers: { [name]: "1" } });
});

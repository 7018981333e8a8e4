import { expect, test } from "vitest";
import { basic, bearer, type Credential, header, query, token } from "../service/credential.ts";
import { takeKey } from "./presented-key.ts";

type Headers = readonly (readonly [string, string])[];

const KEY = "aaa.bbb.ccc";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

function key(credential: Credential, headers: Headers, search = ""): string {
  const taken = takeKey(headers, search, credential);
  return "key" in taken ? taken.key : `${taken.code}: ${taken.check}`;
}

test.each([
  [bearer(), [["authorization", `Bearer ${KEY}`]]],
  [bearer(), [["authorization", `bearer  ${KEY}`]]],
  [token(), [["authorization", `token ${KEY}`]]],
  [basic("me"), [["authorization", `Basic ${base64(`me:${KEY}`)}`]]],
  [basic(), [["authorization", `Basic ${base64(`${KEY}:`)}`]]],
  [basic(), [["authorization", `Basic ${base64(KEY)}`]]],
  [header("X-Api-Key"), [["x-api-key", KEY]]],
  [header("x-api-key"), [["authorization", `Bearer ${KEY}`]]],
] satisfies [Credential, Headers][])("%j takes it from %j", (credential, headers) => {
  expect(key(credential, headers)).toBe(KEY);
});

test("from a query, and whatever else it says stays", () => {
  const taken = takeKey([["accept", "*/*"]], `a=1&api_key=${KEY}&b=%2F`, query("api_key"));
  expect(taken).toEqual({ key: KEY, headers: [["accept", "*/*"]], query: "a=1&b=%2F" });
});

test("a password is all that stands behind the first colon", () => {
  expect(key(basic(), [["authorization", `Basic ${base64("me:a:b")}`]])).toBe("a:b");
});

test("a header of the query parameter's name is no credential", () => {
  const headers: Headers = [["key", "sk-1"]];
  expect(takeKey(headers, `key=${KEY}`, query("key"))).toEqual({ key: KEY, headers, query: "" });
});

test("a query that has no place for a key stays as it is", () => {
  const taken = takeKey([["authorization", `Bearer ${KEY}`]], "a=%2f&&b=%zz", bearer());
  expect(taken).toMatchObject({ key: KEY, query: "a=%2f&&b=%zz" });
});

test("it is not among the headers any more", () => {
  const headers: Headers = [
    ["accept", "*/*"],
    ["authorization", `Bearer ${KEY}`],
  ];
  expect(takeKey(headers, "a=1", bearer())).toEqual({
    key: KEY,
    headers: [["accept", "*/*"]],
    query: "a=1",
  });
});

test.each([
  [bearer(), [], ""],
  [bearer(), [["authorization", ""]], ""],
  [bearer(), [["authorization", KEY]], ""],
  [bearer(), [["authorization", `Digest ${KEY}`]], ""],
  [bearer(), [["authorization", `Bearer ${KEY}, Bearer ${KEY}`]], ""],
  [
    bearer(),
    [
      ["authorization", `Bearer ${KEY}`],
      ["authorization", `Bearer ${KEY}`],
    ],
    "",
  ],
  [bearer(), [["x-api-key", KEY]], ""],
  [
    header("x-api-key"),
    [
      ["authorization", `Bearer ${KEY}`],
      ["x-api-key", "sk-1"],
    ],
    "",
  ],
  [query("key"), [["authorization", `Bearer ${KEY}`]], "key=sk-1"],
  [query("key"), [], `key=${KEY}&key=${KEY}`],
  [query("key"), [], "Key=x"],
  [bearer(), [["authorization", "token:x"]], ""],
] satisfies [Credential, Headers, string][])(
  "%j takes none from %j ?%s",
  (credential, headers, search) => {
    expect(key(credential, headers, search)).toBe("token_invalid: key");
  },
);

test("a query that is malformed is refused", () => {
  expect(key(query("key"), [], "key=%zz")).toBe("request_invalid: query");
});

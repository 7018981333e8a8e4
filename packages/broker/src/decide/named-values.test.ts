import type { Constraint, Grant } from "@agent-keys/core";
import { expect, test } from "vitest";
import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import { authorize } from "./authorize.ts";

// What a text stands for is decided once, by the route; in any other form it stands for nothing.

const types = { size: "int", sizes: "int[]", labels: "string[]", note: "string" } as const;
const service = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  foreignCredentials: ["own_token"],
  scopes: {
    read: ["GET /items?ratio{number}&open{boolean}"],
    write: [{ route: "POST /items", json: types, form: types }],
  },
});

const FAILED = "constraint_failed: constraint";

function verdict(
  grant: Grant,
  query: string,
  body?: readonly [type: string, text: string],
): string {
  const [type = "", text = ""] = body ?? [];
  const decision = authorize(
    {
      method: body === undefined ? "GET" : "POST",
      path: "/items",
      query,
      headers: body === undefined ? [] : [["content-type", type]],
      body: body === undefined ? "none" : Buffer.from(text),
    },
    { grants: [grant] },
    service,
  );
  if (decision.outcome === "refused") return `${decision.code}: ${decision.check}`;
  if (decision.outcome !== "allowed") return decision.outcome;
  const { body: sent } = decision.forward;
  return typeof sent === "string" ? "allowed" : `allowed: ${Buffer.from(sent).toString()}`;
}

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

test.each<[name: string, constraint: Constraint, text: string, expected: string]>([
  ["ratio", { max: 2 }, "1.5", "allowed"],
  ["ratio", { max: 2 }, "2.5", FAILED],
  ["ratio", { max: 2, optional: true }, "9", FAILED],
  // No canonical text of a number: as if nothing stood there, it would pass what is optional.
  ["ratio", { max: 2, optional: true }, "9.0", FAILED],
  ["open", false, "false", "allowed"],
  ["open", false, "true", FAILED],
  ["open", false, "0", FAILED],
  ["open", { in: [false], optional: true }, "TRUE", FAILED],
])("in a query, %s under %j, is %s: %s", (name, constraint, text, expected) => {
  const grant = { scope: "hub:read", where: { [name]: constraint } };
  expect(verdict(grant, `${name}=${text}`)).toBe(expected);
});

test.each<[name: string, constraint: Constraint, text: string, isAllowed: boolean]>([
  ["sizes", { max: 3 }, "2", true],
  ["sizes", { max: 3 }, "4", false],
  ["sizes", { max: 3 }, "1.5", false],
  ["sizes", { max: 3, optional: true }, "9.0", false],
  ["sizes", { max: 3, optional: true }, "+9", false],
  ["size", { max: 3, optional: true }, "9.0", false],
])("in a form, %s under %j, is %s: %s", (name, constraint, text, isAllowed) => {
  const grant = { scope: "hub:write", where: { [name]: constraint } };
  const said = `${name}=${encodeURIComponent(text)}`;
  const expected = isAllowed ? `allowed: ${said}` : FAILED;
  expect(verdict(grant, "", [FORM_TYPE, said])).toBe(expected);
});

test("in JSON, an object is no list, and null is a value", () => {
  const under = (where: Grant["where"], body: object): string =>
    verdict({ scope: "hub:write", where }, "", [JSON_TYPE, JSON.stringify(body)]);
  const any = { any: true } as const;
  expect(under({ labels: any }, { labels: ["a"] })).toBe('allowed: {"labels":["a"]}');
  expect(under({ labels: any }, { labels: { 0: "a" } })).toBe(FAILED);
  expect(under({ note: any }, { note: null })).toBe('allowed: {"note":null}');
  expect(under({ note: { in: ["a"], optional: true } }, { note: null })).toBe(FAILED);
  // An object that cannot be made a number is left as it is, where nothing constrains it.
  const odd = { note: "a", size: { toString: 1, valueOf: 1 } };
  expect(under({ note: "a" }, odd)).toBe(`allowed: ${JSON.stringify(odd)}`);
});

test.each(["own_token", "own[token", "Own.Token", "own_token[x"])(
  "the caller's own credential is taken out of a body in each writing: %j",
  (name) => {
    const grant = { scope: "hub:write", where: { note: { any: true } } } as const;
    const object = JSON.stringify({ note: "x", [name]: "secret" });
    expect(verdict(grant, "", [JSON_TYPE, object])).toBe('allowed: {"note":"x"}');
    const form = `note=x&${encodeURIComponent(name)}=secret`;
    expect(verdict(grant, "", [FORM_TYPE, form])).toBe("allowed: note=x");
  },
);

test.each(["_method", "_method[", "_method[x", "X-HTTP-Method-Override[x"])(
  "another method is not asked for by either reading of a name: %j",
  (name) => {
    const query = `${encodeURIComponent(name)}=DELETE`;
    expect(verdict({ scope: "hub:read" }, query)).toBe("request_invalid: parameter");
  },
);

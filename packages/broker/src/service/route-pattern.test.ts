import { describe, expect, test } from "vitest";
import { readRoute, type RouteDefinition } from "./route-pattern.ts";

function parametersOf(definition: RouteDefinition): readonly (readonly string[])[] {
  const { parameters } = readRoute(definition);
  for (const [name, parameter] of parameters) expect(parameter.name).toBe(name);
  return [...parameters.values()].map(({ name, location, type }) => [name, location, type]);
}

test("a path is read segment by segment", () => {
  expect(readRoute("GET /").segments).toEqual([]);
  const { segments, ...rest } = readRoute("PATCH /a-Z0_.~/:owner/:n{int}/:ref{path}/:_rest9*");
  expect(segments).toEqual([
    { kind: "static", text: "a-Z0_.~" },
    { kind: "parameter", name: "owner", type: "string" },
    { kind: "parameter", name: "n", type: "int" },
    { kind: "parameter", name: "ref", type: "path" },
    { kind: "rest", name: "_rest9", type: "path" },
  ]);
  expect(rest).toMatchObject({
    method: "PATCH",
    pattern: "/a-Z0_.~/:owner/:n{int}/:ref{path}/:_rest9*",
    bodyFormats: [],
    bytes: false,
  });
  expect(readRoute("GET /a").segments).toEqual([{ kind: "static", text: "a" }]);
});

test("a parameter has a place and a type", () => {
  expect(parametersOf("GET /:a/:b{number}/:c{boolean}/:d*?q&page{int}&f[]&raw{json}")).toEqual([
    ["a", "path", "string"],
    ["b", "path", "number"],
    ["c", "path", "boolean"],
    ["d", "path", "path"],
    ["q", "query", "string"],
    ["page", "query", "int"],
    ["f[]", "query", "string"],
    ["raw", "query", "json"],
  ]);
  expect(
    parametersOf({
      route: "POST /x?q",
      query: { "a.b": "int" },
      headers: { "X-Team": "string" },
      json: { Title: "string", tags: "string[]", sizes: "int[]" },
    }),
  ).toEqual([
    ["q", "query", "string"],
    ["a.b", "query", "int"],
    ["x-team", "header", "string"],
    ["Title", "body", "string"],
    ["tags", "body", "string[]"],
    ["sizes", "body", "int[]"],
  ]);
});

test("a body comes in each format that declares it, with the same names", () => {
  const json = { a: "string", b: "int" } as const;
  const formats = (definition: RouteDefinition): unknown => readRoute(definition).bodyFormats;
  expect(formats({ route: "POST /x", json })).toEqual(["json"]);
  expect(formats({ route: "POST /x", form: json })).toEqual(["form"]);
  expect(formats({ route: "POST /x", form: { b: "int", a: "string" }, json })).toEqual([
    "json",
    "form",
  ]);
  expect(parametersOf({ route: "POST /x", json, form: json })).toHaveLength(2);
  expect(readRoute({ route: "POST /x", bytes: true }).bytes).toBe(true);
});

test("names with another index are others", () => {
  expect(parametersOf("GET /x?filter[name]&filter[type]&sort&sort[]")).toHaveLength(4);
});

describe("what could be read in two ways is no route:", () => {
  const json = { a: "string" } as const;
  test.each<[definition: unknown, message: string]>([
    ["get /x", "must be a method, a space and a path that begins with a slash"],
    [" GET /x", "must be a method, a space and a path that begins with a slash"],
    ["GET /x y", "must be a method, a space and a path that begins with a slash"],
    ["GET /x?", "must be a method, a space and a path that begins with a slash"],
    ["GET /x?a b", "must be a method, a space and a path that begins with a slash"],
    ["OPTIONS /x", "must be a method, a space and a path that begins with a slash"],
    ["GET /.", '"." is neither plain text nor a parameter'],
    ["GET /..", '".." is neither plain text nor a parameter'],
    ["GET /x/", '"" is neither plain text nor a parameter'],
    ["GET /a%2Fb", '"a%2Fb" is neither plain text nor a parameter'],
    ["GET /%61", '"%61" is neither plain text nor a parameter'],
    ["GET /:", '":" is neither plain text nor a parameter'],
    ["GET /:9", '":9" is neither plain text nor a parameter'],
    ["GET /:a-b", '":a-b" is neither plain text nor a parameter'],
    ["GET /x:a", '"x:a" is neither plain text nor a parameter'],
    ["GET /:a{}", '":a{}" is neither plain text nor a parameter'],
    ["GET /:a**", '":a**" is neither plain text nor a parameter'],
    ["GET /:a*/:b*", ":a* can only be the last segment"],
    ["GET /:a{text}", "a has no known type: text"],
    ["GET /x?a{text}", '"a{text}" is no parameter'],
    ["GET /x?&a", '"" is no parameter'],
    ["GET /x?a=b", '"a=b" is no parameter'],
    ["GET /x?a{int}b", '"a{int}b" is no parameter'],
    ["GET /x?{int}", '"{int}" is no parameter'],
    ["GET /x?a&a", "declares a twice"],
    ["GET /x?a&a{int}", "declares a twice"],
    ["GET /:a/:a", "declares a twice"],
    [{ route: "GET /x?a", query: { a: "string" } }, "declares a twice"],
    [{ route: "GET /x", headers: { A: "string", a: "string" } }, "declares a twice"],
    [{ route: "POST /:a", json }, "declares a twice"],
    [{ route: "POST /x?a", form: json }, "declares a twice"],
    [
      { route: "POST /:parent_id", json: { parentId: "string" } },
      "declares parent_id and parentId, which servers take for one name",
    ],
    ["GET /x?a_b&A-B", "declares a_b and A-B, which servers take for one name"],
    ["GET /x?f[a_b]&f[aB]", "declares f[a_b] and f[aB], which servers take for one name"],
    [{ route: "POST /x", headers: json, json }, "declares a twice"],
    [{ route: "POST /x", json, form: { a: "int" } }, "declares a twice"],
    [
      { route: "POST /x", json, form: { a: "string", b: "string" } },
      "json and form must declare the same names",
    ],
    [{ route: "POST /x", json, form: {} }, "json and form must declare the same names"],
    [{ route: "GET /x", query: { a: "int[]" } }, "a can be no list there"],
    [{ route: "GET /x", headers: { a: "string[]" } }, "a can be no list there"],
    [{ route: "GET /x", query: { "a b": "string" } }, '"a b" cannot be a parameter\'s name'],
    [{ route: "GET /x", query: { "": "string" } }, '"" cannot be a parameter\'s name'],
    [{ route: "GET /x", headers: { é: "string" } }, '"é" cannot be a parameter\'s name'],
    [{ route: "POST /x", json: { "a\n": "string" } }, '"a\\n" cannot be a parameter\'s name'],
    [{ route: "POST /x", json: { a: "toString" } }, "a has no known type: toString"],
    [{ route: "GET /x", json: {} }, "a GET has no body"],
    [{ route: "GET /x", form: json }, "a GET has no body"],
    [{ route: "GET /x", bytes: true }, "a GET has no body"],
    [{ route: "PUT /x", bytes: true, form: json }, "a body of bytes has no parameters"],
  ])("%j", (definition, message) => {
    const text = typeof definition === "string" ? definition : (definition as never)["route"];
    expect(() => readRoute(definition as RouteDefinition)).toThrow(
      new TypeError(`${text}: ${message}`),
    );
  });
});

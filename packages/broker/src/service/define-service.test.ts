import { describe, expect, test } from "vitest";
import { bearer, header } from "./credential.ts";
import { defineService, type ServiceDefinition } from "./define-service.ts";

const good = {
  name: "hub",
  baseUrl: "https://hub.example/api/",
  credential: bearer(),
  scopes: { "repos.read": ["GET /repos/:owner/:repo?page{int}"] },
} satisfies ServiceDefinition;

test("what is defined can be read back, and is frozen", () => {
  const service = defineService({
    ...good,
    scopes: {
      ...good.scopes,
      "repos.write": [{ route: "POST /repos/:owner", json: { name: "string", size: "int" } }],
      "repos.admin": ["GET /repos/:owner/:repo?page{int}"],
    },
  });
  expect(service.baseUrl.href).toBe("https://hub.example/api");
  expect(service.scopes).toEqual(["hub:repos.read", "hub:repos.write", "hub:repos.admin"]);
  expect(service.parameters).toEqual(["owner", "repo", "page", "name", "size"]);
  expect(service.network).toBe("public");
  expect(Object.isFrozen(service)).toBe(true);
  const [read, write] = service.routes;
  expect(read).toMatchObject({ method: "GET", pattern: "/repos/:owner/:repo", bodyFormats: [] });
  expect(read?.scopes).toEqual(["hub:repos.read", "hub:repos.admin"]);
  expect(read?.parameters.get("page")).toEqual({ name: "page", location: "query", type: "int" });
  expect(write?.parameters.get("size")).toEqual({ name: "size", location: "body", type: "int" });
});

test("routes of different shapes may stand side by side, whatever their parameters", () => {
  const routes = [
    "GET /x/:one",
    "GET /x/:two*",
    "GET /y/:three",
    "GET /x/:one/:two",
    "POST /x/:two",
    "GET /x1",
    "GET /x/1",
  ] as const;
  const service = defineService({ ...good, scopes: { read: routes } });
  expect(service.routes).toHaveLength(routes.length);
});

describe("what is wrong is a TypeError that names it:", () => {
  const route = (definition: unknown): unknown => ({ scopes: { read: [definition] } });
  test.each([
    [{ name: "Hub" }, /^service Hub: a name is made of/],
    [{ name: "__proto__" }, /a name is made of/],
    [{ baseUrl: "hub.example" }, /baseUrl is not a URL/],
    [{ baseUrl: "http://hub.example" }, /baseUrl must be https/],
    [{ baseUrl: "ftp://hub.example", network: "private" }, /baseUrl must be https/],
    [{ baseUrl: "https://me:secret@hub.example" }, /must not hold a credential$/],
    [{ baseUrl: "https://hub.example/?a=1" }, /must not have a query/],
    [{ network: "open" }, /network must be/],
    [{ credential: "sk-1" }, /credential must be bearer\(\)/],
    [{ credential: header("Host") }, /"host" is not a header to be sent on/],
    [{ forwardHeaders: ["Cookie"] }, /"Cookie" is not a header to be sent on/],
    [{ forwardHeaders: ["x-forwarded-for"] }, /is not a header/],
    [{ forwardHeaders: ["a b"] }, /is not a header/],
    [{ scopes: {} }, /scopes has no route/],
    [{ scopes: { "Repos.Read": good.scopes["repos.read"] } }, /"Repos\.Read" is not a scope's end/],
    [{ scopes: { "*": good.scopes["repos.read"] } }, /is not a scope's end/],
    [{ timeout: 3 }, /has no option timeout/],
    [route("GET repos"), /GET repos: must be a method/],
    [route("HEAD /repos"), /must be a method/],
    [route("GET /repos/:owner{uuid}"), /owner has no known type: uuid/],
    [route("GET /repos/:owner/:owner"), /declares owner twice/],
    [route("GET /repos/:owner?owner"), /declares owner twice/],
    [route("GET /repos?a&a"), /declares a twice/],
    [route({ route: "GET /repos", query: { a: "string[]" } }), /a can be no list there/],
    [route("GET /repos/:rest*/x"), /:rest\* can only be the last segment/],
    [route("GET /repos/../x"), /"\.\." is neither/],
    [route("GET /repos//x"), /"" is neither/],
    [route("GET /repos/a:b"), /"a:b" is neither/],
    [route("GET /repos?a=1"), /"a=1" is no parameter/],
    [route({ route: "GET /repos", json: { a: "string" } }), /a GET has no body/],
    [route({ route: "GET /repos", bytes: true }), /a GET has no body/],
    [
      route({ route: "POST /repos", bytes: true, json: { a: "string" } }),
      /a body of bytes has no parameters/,
    ],
    [{ pageLinks: "next" }, /pageLinks must be "as-given" or "asked-path"/],
    [{ refusal: "ok: false" }, /refusal must be a function/],
    [route({ route: "POST /repos", json: { a: "text" } }), /a has no known type: text/],
    [
      route({ route: "POST /r", json: { a: "string" }, form: { b: "string" } }),
      /json and form must declare the same names/,
    ],
    [
      { scopes: { a: ["GET /x/:one"], b: ["GET /x/:two"] } },
      /GET \/x\/:two is declared twice, with other parameters/,
    ],
  ])("%j", (change, message) => {
    const definition = { ...good, ...(change as object) } as ServiceDefinition;
    expect(() => defineService(definition)).toThrow(TypeError);
    expect(() => defineService(definition)).toThrow(message);
  });
});

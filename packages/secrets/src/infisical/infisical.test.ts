import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { httpSourceSuite } from "../../test/http-source-suite.ts";
import { infisicalServer, type InfisicalServer } from "../../test/infisical-server.ts";
import { managed } from "../../test/local-server.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { infisical, type InfisicalSecret } from "./index.ts";

let server: InfisicalServer;
const clientSecret = `st.${randomUUID()}`;
const hidden = [clientSecret, "eyJ."];
beforeAll(async () => {
  server = await infisicalServer();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.faults.length = 0;
  server.isDown = false;
  server.asked.length = 0;
  server.life.seconds = 7_200;
  server.identities.clear();
  server.identities.set("broker", clientSecret);
  vi.stubEnv("INFISICAL_API_URL", server.url);
  vi.stubEnv("INFISICAL_TOKEN", undefined);
  vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "broker");
  vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", clientSecret);
});

const of = (name: string, more: Partial<InfisicalSecret> = {}) =>
  infisical({ project: "p1", environment: "prod", name, ...more });

function put(name: string, value: string | undefined, path = "/"): void {
  const key = `p1 prod ${path} ${name}`;
  if (value === undefined) server.secrets.delete(key);
  else server.secrets.set(key, [...(server.secrets.get(key) ?? []), value]);
}

function open() {
  const name = `SECRET_${randomUUID()}`;
  return {
    source: of(name),
    set: (value: string | undefined) => put(name, value),
    ...managed(server),
  };
}

managedSourceContract({ test, open });
httpSourceSuite(() => ({ ...open(), server, hidden }));

const logins = (): number => server.asked.filter(({ method }) => method === "POST").length;

describe("who asks", () => {
  test("logs in once for all who ask at once, and for all later reads", async () => {
    put("A", "canary");
    const source = of("A");
    await Promise.all(Array.from({ length: 20 }, async () => source.read()));
    await source.read();
    expect(logins()).toBe(1);
  });

  test("logs in again before the token ends", async () => {
    put("A", "canary");
    const source = of("A");
    server.life.seconds = 0.2;
    await source.read();
    // It is used for the first half of so short a life; the server would take it for all of it.
    await expect.poll(async () => ((await source.read()).value, logins())).toBeGreaterThan(1);
    expect(server.asked.filter(({ method }) => method === "GET").length).toBeGreaterThan(1);
  });

  test("and when the token was revoked before its time, once", async () => {
    put("A", "canary");
    const source = of("A");
    await source.read();
    server.tokens.clear();
    expect((await source.read()).value).toBe("canary");
    expect(logins()).toBe(2);
    server.faults.push({ status: 401 });
    server.asked.length = 0;
    expect((await source.read()).value).toBe("canary");
    expect(server.asked.map(({ method }) => method)).toEqual(["GET", "POST", "GET"]);
  });

  test("a token that is never taken is not asked for without end", async () => {
    put("A", "canary");
    const source = of("A");
    await source.read();
    server.asked.length = 0;
    server.life.seconds = 0;
    server.tokens.clear();
    expect(await refusedBy(source, hidden)).toBe("the token is not accepted (status 401)");
    expect(server.asked).toHaveLength(3);
  });

  test("a secret of the identity that was rotated is taken at the next login", async () => {
    put("A", "canary");
    const source = of("A");
    server.identities.set("broker", "st.rotated");
    const why = "the machine identity is not accepted (status 401)";
    expect(await refusedBy(source, hidden)).toBe(why);
    vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "st.rotated");
    expect((await source.read()).value).toBe("canary");
  });

  test("a login is throttled, and tried again", async () => {
    put("A", "canary");
    server.faults.push({ status: 429, headers: { "retry-after": "0" } }, { status: 503 });
    expect((await of("A").read()).value).toBe("canary");
  });

  test.each<[string, unknown]>([
    ["no token", {}],
    ["a token that is none", { accessToken: "eyJ.a\r\nb", expiresIn: 60 }],
    ["nothing", "null"],
  ])("a login that gives %s is refused", async (_, body) => {
    server.faults.push({ status: 200, body });
    expect(await refusedBy(of("A"), hidden)).toMatch(/^the login gave no token$|is no token$/);
    expect(server.asked).toHaveLength(1);
  });

  test("without an identity it is the token of the environment, each time as it is then", async () => {
    put("A", "canary");
    vi.stubEnv("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", undefined);
    expect(await refusedBy(of("A"))).toBe("INFISICAL_TOKEN is not set");
    server.tokens.set("eyJ.given.s", Date.now() + 60_000);
    vi.stubEnv("INFISICAL_TOKEN", "eyJ.given.s");
    expect((await of("A").read()).value).toBe("canary");
    expect(logins()).toBe(0);
  });
});

describe("which secret", () => {
  test("in a folder, by a name that is escaped", async () => {
    put("A/B?c", "canary", "/payments/eu");
    for (const path of ["/payments/eu", "payments/eu/", "//payments//eu"]) {
      expect((await of("A/B?c", { path }).read()).value).toBe("canary");
    }
    expect(of("A", { path: "payments" }).name).toBe("infisical:p1/prod/payments/A");
    expect(of("A").name).toBe("infisical:p1/prod/A");
    expect(await refusedBy(of("A/B?c"))).toBe("there is no such secret (status 404)");
  });

  test("a version of it", async () => {
    put("V", "first");
    put("V", "second");
    expect((await of("V").read()).value).toBe("second");
    expect((await of("V", { version: 1 }).read()).value).toBe("first");
  });

  test("a mask is not taken for the value", async () => {
    put("A", "canary", "/masked");
    server.masked.add("/masked");
    expect(await refusedBy(of("A", { path: "/masked" }))).toBe(
      "this identity may see that it is there, and not its value",
    );
  });

  test("wrong options are refused at once, and not quoted", () => {
    for (const option of ["project", "environment", "name"]) {
      expect(() => of("A", { [option]: "" })).toThrow(
        new TypeError(`infisical: ${option}: must be a text that is not empty`),
      );
    }
    expect(() => of("A", { address: "https://u:canary@infisical.example" })).toThrow(
      new TypeError("infisical: address: must have no user name, no ? and no #"),
    );
    expect(() => of("..")).toThrow(TypeError);
  });
});

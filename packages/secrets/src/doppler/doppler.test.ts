import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { dopplerServer, type DopplerServer } from "../../test/doppler-server.ts";
import { httpSourceSuite } from "../../test/http-source-suite.ts";
import { managed } from "../../test/local-server.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { doppler } from "./index.ts";

let server: DopplerServer;
const token = `dp.st.prd.${randomUUID()}`;
beforeAll(async () => {
  server = await dopplerServer();
  server.tokens.set(token, { project: "backend", config: "prd" });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.faults.length = 0;
  server.isDown = false;
  server.asked.length = 0;
  vi.stubEnv("DOPPLER_API_HOST", server.url);
  vi.stubEnv("DOPPLER_TOKEN", token);
});

const of = (name: string) => doppler({ project: "backend", config: "prd", name });

function put(name: string, value: string | undefined): void {
  if (value === undefined) server.secrets.delete(`backend/prd/${name}`);
  else server.secrets.set(`backend/prd/${name}`, { raw: `raw ${value}`, computed: value });
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
httpSourceSuite(() => ({ ...open(), server, hidden: [token] }));

test("it is asked for the one secret, by the token", async () => {
  put("A&B=C", "canary");
  expect((await of("A&B=C").read()).value).toBe("canary");
  const [asked] = server.asked;
  expect(asked?.target).toBe("/v3/configs/config/secret?project=backend&config=prd&name=A%26B%3DC");
  expect(asked?.headers["authorization"]).toBe(`Bearer ${token}`);
  expect(of("NAME").name).toBe("doppler:backend/prd/NAME");
});

test("a token is read from the environment each time, so that it can be rotated", async () => {
  put("ROTATED", "canary");
  const source = of("ROTATED");
  vi.stubEnv("DOPPLER_TOKEN", "dp.st.revoked");
  expect(await refusedBy(source, ["dp.st.revoked"])).toBe("the token is not accepted (status 401)");
  vi.stubEnv("DOPPLER_TOKEN", token);
  expect((await source.read()).value).toBe("canary");
});

test.each([
  [undefined, "DOPPLER_TOKEN is not set"],
  [" ", "DOPPLER_TOKEN is not set"],
  ["dp.st\r\nx: canary", "DOPPLER_TOKEN is no token"],
])("with %j for a token nothing is asked", async (given, why) => {
  vi.stubEnv("DOPPLER_TOKEN", given);
  expect(await refusedBy(of("ANY"))).toBe(why);
  expect(server.asked).toHaveLength(0);
});

test("a secret of another config, one that is not there, and one that is hidden", async () => {
  const other = doppler({ project: "backend", config: "stg", name: "ANY" });
  expect(await refusedBy(other, [token])).toBe("access is denied (status 403)");
  expect(await refusedBy(of("ABSENT"))).toBe("there is no such secret (status 404)");
  server.secrets.set("backend/prd/HIDDEN", { raw: "canary", computed: null });
  expect(await refusedBy(of("HIDDEN"))).toBe("has no text in that field");
});

test("wrong options are refused at once, and not quoted", () => {
  const right = { project: "backend", config: "prd", name: "NAME" };
  for (const option of ["project", "config", "name"]) {
    expect(() => doppler({ ...right, [option]: "" })).toThrow(
      new TypeError(`doppler: ${option}: must be a text that is not empty`),
    );
  }
  expect(() => doppler({ ...right, address: "http://canary.example" })).toThrow(
    new TypeError("doppler: address: must be an https URL (http only on loopback)"),
  );
});

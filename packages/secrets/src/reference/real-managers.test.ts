import { inspect } from "node:util";
import { AgentKeyError } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dopplerServer, type DopplerServer } from "../../test/doppler-server.ts";
import { secret } from "./secret.ts";

/**
 * References to follow to where they lead, with the vendors' own environment variables: "aws:test/a gcp:…". What
 * they name is only read. One that leads to a server here is always among them, so that this is never untried.
 */
const REAL = (process.env["AGENT_KEYS_TEST_SECRETS"] ?? "")
  .split(/\s+/)
  .filter((one) => one !== "");
const LOCAL = "doppler:here/test/VALUE";

if (REAL.length === 0) {
  process.stderr.write("real secrets managers: not run; AGENT_KEYS_TEST_SECRETS names none\n");
}

let server: DopplerServer;
beforeAll(async () => {
  server = await dopplerServer();
  if (REAL.some((reference) => reference.startsWith("doppler:"))) return;
  server.tokens.set("dp.st.test", { project: "here", config: "test" });
  server.secrets.set("here/test/VALUE", { raw: "canary-7Xk", computed: "canary-7Xk" });
  vi.stubEnv("DOPPLER_API_HOST", server.url);
  vi.stubEnv("DOPPLER_TOKEN", "dp.st.test");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});

const local = REAL.some((reference) => reference.startsWith("doppler:")) ? [] : [LOCAL];

describe.each([...local, ...REAL])("%s", (reference) => {
  test("gives the same to all who ask, and shows it nowhere", async () => {
    const source = secret(reference);
    const all = await Promise.all(Array.from({ length: 20 }, async () => source.read()));
    const [{ value, expiresAtMs = Infinity } = { value: "" }] = all;
    // Compared first, so that no failed expectation prints it.
    expect(value !== "" && all.every((one) => one.value === value)).toBe(true);
    expect(expiresAtMs).toBeGreaterThan(Date.now());
    const shown = inspect([source, all], { depth: null, showHidden: true });
    expect(shown.includes(value)).toBe(false);
  });

  test("one who has given up is not served", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(secret(reference).read({ signal })).rejects.toBe(reason);
  });

  test("what is not in it is refused, and nothing is said of what is", async () => {
    const { value } = await secret(reference).read();
    const [path = ""] = reference.split(/[#?]/);
    const absent = reference.startsWith("op:")
      ? path.replace(/[^/]+$/, "agent-keys-absent")
      : `${path}#agent-keys-absent${/\?.*$/.exec(reference)?.[0] ?? ""}`;
    const error: unknown = await secret(absent)
      .read()
      .catch((thrown: unknown) => thrown);
    expect(error instanceof AgentKeyError && error.code).toBe("secret_unavailable");
    expect(inspect(error, { depth: null, showHidden: true }).includes(value)).toBe(false);
  });
});

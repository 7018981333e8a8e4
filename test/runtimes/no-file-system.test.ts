import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { auditEvent } from "@agent-keys/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const core = JSON.stringify(import.meta.resolve("@agent-keys/core"));
const audit = JSON.stringify(import.meta.resolve("@agent-keys/core/audit"));
const here = fileURLToPath(new URL(".", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-keys-no-fs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(code: string, { cwd = here, args = [] as string[] } = {}) {
  const node = [...args, "--input-type=module", "--eval", code];
  return promisify(execFile)(process.execPath, node, { cwd });
}

describe("where there is no file system", () => {
  // Refuses node:fs to whoever asks, from then on.
  const without = `
    import { registerHooks } from "node:module";
    const isFs = (name) => /^(node:)?fs(\\/|$)/.test(name);
    registerHooks({
      resolve(specifier, context, next) {
        if (isFs(specifier)) throw new Error("NO FILE SYSTEM: " + context.parentURL);
        return next(specifier, context);
      },
    });
    const builtin = process.getBuiltinModule;
    process.getBuiltinModule = (name) => (isFs(name) ? undefined : builtin(name));
  `;

  let hook: string;
  beforeAll(() => {
    hook = join(folder, "hook.mjs");
    writeFileSync(hook, without);
  });
  const runWithout = (code: string) => run(code, { args: ["--import", hook] });

  test("the hook of this test does refuse it", async () => {
    await expect(runWithout('import "node:fs";')).rejects.toThrow("NO FILE SYSTEM");
    const { stdout } = await runWithout('console.log(process.getBuiltinModule("fs"));');
    expect(stdout).toBe("undefined\n");
  });

  test("core is imported, mints, verifies and denies, with its audit on stdout", async () => {
    const { stdout, stderr } = await runWithout(`
      import { createAgentKeys, jsonSink, verifyKey } from ${core};
      await import(${audit});
      const policy = { bot: { allow: [{ scope: "a:read" }] } };
      const keys = createAgentKeys({ agent: "bot", policy, issuer: "i", audience: "a", audit: jsonSink() });
      await keys.withAgentKey("a:read", async (token) => {
        const options = { jwks: keys.jwks(), issuer: "i", audience: "a" };
        const key = await verifyKey(token, { ...options, request: { scope: "a:read", values: {} } });
        console.error("verified " + key.grant.scope);
      });
      await keys.withAgentKey("a:write", () => console.error("RAN")).catch(({ code }) => console.error(code));
    `);
    expect(stderr).toBe("verified a:read\npolicy_denied\n");
    const events = stdout.trim().split("\n");
    expect(events.map((line) => auditEvent.parse(JSON.parse(line)).type)).toEqual([
      "key.minted",
      "key.closed",
      "key.denied",
    ]);
  });

  test("nor any stream, jsonSink and consoleSink write to the console", async () => {
    const { stdout, stderr } = await runWithout(`
      import { consoleSink, createAgentKeys, jsonSink } from ${core};
      console.log("begun"), console.error("begun"); // which find their streams now
      Object.defineProperties(process, { stdout: { value: undefined }, stderr: { value: undefined } });
      const audit = [jsonSink(), consoleSink()];
      const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit });
      await keys.withAgentKey("a:read", () => console.log("ran"));
    `);
    expect(stdout).toMatch(/^begun\n\{.*"key\.minted".*\nran\n\{.*"key\.closed".*\n$/);
    expect(stderr).toMatch(/^begun\n\{.*"key\.minted".*\n\{.*"key\.closed".*\n$/);
  });

  test("nor timers that can be let go, as in a Worker, a key is minted and closed", async () => {
    const begunMs = performance.now();
    const { stdout } = await runWithout(`
      import { createAgentKeys, jsonSink } from ${core};
      const timer = setTimeout;
      globalThis.setTimeout = (...args) => Number(timer(...args)); // a number, as on the Web
      const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: jsonSink() });
      await keys.withAgentKey("a:read", () => console.log("ran"), { expiresIn: "15m" });
    `);
    expect(stdout).toMatch(/^.*"key\.minted".*\nran\n.*"key\.closed".*\n$/);
    // The key's own timer would keep the process for minutes, were it not taken back.
    expect(performance.now() - begunMs).toBeLessThan(30_000);
  });

  test("an audit file refuses: audit_unavailable, with what to do in its cause", async () => {
    const { stdout } = await runWithout(`
      import { withAgentKey } from ${core};
      await withAgentKey("a:read", () => console.log("RAN"))
        .catch(({ code, cause }) => console.log(code + ": " + cause.message));
    `);
    expect(stdout).toMatch(/^audit_unavailable: .*use jsonSink\(\)\n$/);
  });

  test("a signing key's file is a wrong option", async () => {
    const { stdout } = await runWithout(`
      import { createAgentKeys, jsonSink } from ${core};
      const options = { agent: "bot", policy: "allow-all", audit: jsonSink(), signingKey: "./key.pem" };
      try { createAgentKeys(options); console.log("MADE"); } catch (error) { console.log(String(error)); }
    `);
    expect(stdout).toBe("TypeError: signingKey: neither a JWK, nor PEM, nor a readable key file\n");
  });
});

describe("on a read-only disk, as serverless platforms have it", () => {
  // Run there, and not made there: root may write in a folder that nobody may, but not in /proc.
  const goThere = `process.chdir(${JSON.stringify(process.platform === "linux" ? "/proc/self" : "readonly")});`;
  const runThere = (code: string) => run(`${goThere}${code}`, { cwd: folder });

  beforeAll(() => mkdirSync(join(folder, "readonly"), { mode: 0o500 }));

  test("the default audit file refuses the call, and says to use jsonSink", async () => {
    const { stdout } = await runThere(`
      import { withAgentKey } from ${core};
      await withAgentKey("a:read", () => console.log("RAN"))
        .catch(({ code, cause }) => console.log(code + ": " + cause.message));
    `);
    expect(stdout).toMatch(
      /^audit_unavailable: .*where the disk is read-only, use jsonSink\(\)\n$/,
    );
  });

  test("when nobody catches it, that line is on stderr", async () => {
    const code = `
      import { withAgentKey } from ${core};
      await withAgentKey("a:read", () => console.log("RAN"));
    `;
    const failed: unknown = await runThere(code).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed).toHaveProperty("stderr", expect.stringMatching(/audit_unavailable/));
    expect(failed).toHaveProperty("stderr", expect.stringMatching(/use jsonSink\(\)/));
  });

  test("with jsonSink it works", async () => {
    const { stdout } = await runThere(`
      import { createAgentKeys, jsonSink } from ${core};
      const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: jsonSink() });
      await keys.withAgentKey("a:read", () => console.log("ran"));
    `);
    expect(stdout).toMatch(/^.*"key\.minted".*\nran\n.*"key\.closed".*\n$/);
  });
});

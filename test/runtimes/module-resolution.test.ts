import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const here = dirname(fileURLToPath(import.meta.url));
const tsc = join(here, "../../node_modules/typescript/bin/tsc");

// Inside the workspace, so that the packages are found as a user's project finds them.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(here, "bundled-"));
  await writeFile(join(folder, "module.mts"), code);
  // With `verbatimModuleSyntax` off, this compiles to require().
  await writeFile(join(folder, "common.cts"), code);
  await writeFile(join(folder, "plain.ts"), code);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const code = `
  import { createAgentKeys, memorySink } from "@agent-keys/core";
  import { verifyChains } from "@agent-keys/core/audit";
  import { agentKeysAuthProvider } from "@agent-keys/core/mcp";
  import { testKeys } from "@agent-keys/core/testing";
  import { guardTools } from "@agent-keys/core/wrap";
  import { wrapTools } from "@agent-keys/ai-sdk";
  import { wrapTools as wrapLangChainTools } from "@agent-keys/langchain";
  import { agentKeysMiddleware } from "@agent-keys/langchain/middleware";

  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: memorySink() });
  const id: string = keys.mint("tickets:read").id;
  // @ts-expect-error: were a type not found, it would be any, and this no error
  const wrong: number = keys.mint("tickets:read").id;
  // @ts-expect-error: likewise of an adapter
  wrapTools({}, { keys: 1 });
  export { agentKeysAuthProvider, agentKeysMiddleware, guardTools, id, testKeys, verifyChains };
  export { wrapLangChainTools, wrong };
`;

async function compile(file: string, ...options: readonly string[]): Promise<string> {
  const args = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--types", "node"];
  const run = promisify(execFile)(
    process.execPath,
    [tsc, ...args, "--target", "es2024", "--lib", "es2024,esnext.disposable", ...options, file],
    { cwd: folder },
  );
  return run.then(
    () => "",
    (error: { stdout?: string }) => error.stdout ?? "tsc did not run",
  );
}

describe("types are found under", () => {
  test.each([
    ["nodenext", "module.mts", "nodenext"],
    ["nodenext, from CommonJS", "common.cts", "nodenext"],
    ["node16, from an ES module", "module.mts", "node16"],
    ["node20, from CommonJS", "common.cts", "node20"],
  ])("moduleResolution %s", async (_, file, module) => {
    expect(await compile(file, "--module", module)).toBe("");
  });

  test("moduleResolution bundler", async () => {
    const options = ["--module", "esnext", "--moduleResolution", "bundler"];
    expect(await compile("plain.ts", ...options)).toBe("");
  });
});

test("node16 refuses an import from CommonJS: it stands for a Node that cannot require an ES module", async () => {
  expect(await compile("common.cts", "--module", "node16")).toMatch(/TS1479/);
});

test("node10 is not supported, and TypeScript itself has given it up", async () => {
  const options = ["--module", "esnext", "--moduleResolution", "node10"];
  expect(await compile("plain.ts", ...options)).toMatch(/TS5108|TS5107/);
});

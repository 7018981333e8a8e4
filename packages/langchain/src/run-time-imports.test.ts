import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Loads a module in a process of its own, and says what of LangChain was looked for meanwhile. */
async function lookedFor(specifier: string): Promise<unknown> {
  const code = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({
      resolve(specifier, context, next) {
        if (/^(@langchain\\/|langchain|langsmith)/.test(specifier)) seen.push(specifier);
        return next(specifier, context);
      },
    });
    await import(${JSON.stringify(specifier)});
    console.log(JSON.stringify(seen));
  `;
  const options = ["--conditions=@agent-keys/source", "--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  return JSON.parse(stdout);
}

test.each(["./index.ts", "./middleware.ts"])(
  "%s imports nothing of LangChain at run time",
  async (file) => {
    expect(await lookedFor(here(file))).toEqual([]);
  },
);

test("an import of LangChain would be seen", async () => {
  expect(await lookedFor(here("./agent.fixture.ts"))).toContain("@langchain/core/messages");
});

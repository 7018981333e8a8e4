// Runs one program in every runtime and compares what it says: npm run test:runtimes [-- name ...].
// Needs a Linux on x64, and npm with a registry; installs in a folder of the system's own.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { layProject, projects } from "./projects.ts";
import { runtimes } from "./runtimes.ts";

const wanted = process.argv.slice(2).map((name) => name.toLowerCase());
const all = [
  ...runtimes.map((it) => ({ it, lay: async (): Promise<readonly string[]> => [] })),
  ...projects.map((it) => ({ it, lay: (folder: string) => layProject(it, folder) })),
];
const chosen = all.filter(
  ({ it }) => wanted.length === 0 || wanted.some((part) => it.name.toLowerCase().includes(part)),
);
let failed = 0;

for (const { it, lay } of chosen) {
  const folder = await mkdtemp(join(tmpdir(), "agent-keys-runtime-"));
  try {
    await writeFile(join(folder, "package.json"), '{ "private": true }');
    const packages = [...it.packages, ...(await lay(folder))];
    const install = ["install", "--no-audit", "--no-fund", ...packages];
    await promisify(execFile)("npm", install, { cwd: folder });
    const wrong = await it.check(join(folder, "node_modules")).catch(String);
    if (wrong !== undefined) failed += 1;
    console.log(`${it.name} (${it.packages.join(", ")}): ${wrong ?? "as documented"}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;

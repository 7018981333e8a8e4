import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { say } from "./complain.ts";
import { ConsoleError } from "./console-error.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Sets the variables of a file, as `node --env-file` does: what the environment has set stays.
 *
 * @throws ConsoleError when it cannot be read. (Node itself looks for the flag too, and may say so before.)
 */
export function readEnvFile(path: string, to: Terminal): void {
  for (const [name, value] of Object.entries(parseEnv(contentOf(path)))) {
    process.env[name] ??= value;
  }
  const { mode } = statSync(path);
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  say(to, `${path} is open to group or others`, `it has credentials: chmod 600 ${path}`);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    const why = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    throw new ConsoleError(`${resolve(path)} ${why}`, "it has lines like GITHUB_TOKEN=...");
  }
}

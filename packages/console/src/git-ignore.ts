import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Has git ignore a file of the current directory, where that is in a repository and git does not do so
 * yet.
 *
 * @param pattern - The line to add to the directory's `.gitignore`, which covers the file.
 * @returns Whether git ignores it now; `undefined` outside of a repository.
 * @throws the system's error when `.gitignore` cannot be written.
 */
export function ignoreInGit(file: string, pattern: string): "already" | "added" | undefined {
  if (!isInRepository(process.cwd())) return undefined;
  const isIgnored = askGit(file) ?? lines().includes(pattern);
  if (isIgnored) return "already";
  const text = contentOf(GITIGNORE);
  const lineBreak = text === "" || text.endsWith("\n") ? "" : "\n";
  appendFileSync(GITIGNORE, `${lineBreak}${pattern}\n`);
  return "added";
}

const GITIGNORE = ".gitignore";

/** In a work tree's top `.git` is a directory, or in a linked one or a submodule a file. */
function isInRepository(directory: string): boolean {
  const parent = dirname(resolve(directory));
  return existsSync(join(directory, ".git")) || (parent !== directory && isInRepository(parent));
}

/** Git knows every file that ignores something. `undefined` when it does not say. */
function askGit(file: string): boolean | undefined {
  try {
    execFileSync("git", ["check-ignore", "--quiet", "--", file], { stdio: "ignore" });
    return true;
  } catch (error) {
    return (error as { readonly status?: unknown }).status === 1 ? false : undefined;
  }
}

function lines(): readonly string[] {
  return contentOf(GITIGNORE)
    .split("\n")
    .map((line) => line.trim());
}

function contentOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

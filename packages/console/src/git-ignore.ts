import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** What git is not to see: a line of `.gitignore`, and names that show whether it is covered already. */
export interface Ignored {
  readonly pattern: string;
  readonly files: readonly [string, ...string[]];
}

/**
 * Has git ignore files of the current directory, where that is in a repository and git does not do so
 * yet.
 *
 * @returns The patterns that were added; `undefined` outside of a repository.
 * @throws the system's error when `.gitignore` cannot be written; `ELOOP` when it is a symbolic link,
 * which git itself does not follow.
 */
export function ignoreInGit(wanted: readonly Ignored[]): readonly string[] | undefined {
  if (!isInRepository(process.cwd())) return undefined;
  const text = contentOf(GITIGNORE);
  const lines = text.split("\n").map((line) => line.trim());
  const missing = wanted
    // Git says no of what it tracks, whatever ignores it.
    .filter(({ pattern }) => !lines.includes(pattern))
    .filter(({ files }) => !files.every(isIgnored))
    .map(({ pattern }) => pattern);
  if (missing.length === 0) return missing;
  const lineBreak = text === "" || text.endsWith("\n") ? "" : "\n";
  append(GITIGNORE, `${lineBreak}${missing.join("\n")}\n`);
  return missing;
}

const GITIGNORE = ".gitignore";
/** Windows has no such links to be kept from. */
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

/** In a work tree's top `.git` is a directory, or in a linked one or a submodule a file. */
function isInRepository(directory: string): boolean {
  const parent = dirname(resolve(directory));
  return existsSync(join(directory, ".git")) || (parent !== directory && isInRepository(parent));
}

/** Git knows every file that ignores something. Where there is no git, nothing says so. */
function isIgnored(file: string): boolean {
  try {
    execFileSync("git", ["check-ignore", "--quiet", "--", file], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function contentOf(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | NOFOLLOW);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // Of a link git reads nothing either; adding to it fails.
    if (["ENOENT", "ELOOP", "EMLINK"].includes(code)) return "";
    throw error;
  }
  try {
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function append(path: string, text: string): void {
  const fd = openSync(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NOFOLLOW,
    0o644,
  );
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

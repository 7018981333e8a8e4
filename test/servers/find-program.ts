import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is: in a directory of PATH, or one of the others. */
export function findProgram(
  names: readonly string[],
  others: readonly string[] = [],
): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(delimiter), ...others];
  const paths = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  return paths.find((path) => existsSync(path));
}

/** Where Debian keeps PostgreSQL's programs, the newest first. */
export function debianPostgres(): readonly string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  const versions = readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, "bin"));
}

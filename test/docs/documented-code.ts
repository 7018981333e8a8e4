import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A piece of TypeScript that a reader is shown. */
export interface DocumentedCode {
  /** `file:line` of its first line. */
  readonly where: string;
  readonly code: string;
  /** The name of what it takes as given, from `<!-- given: name -->` before it. */
  readonly given: string | undefined;
}

/** Every TypeScript block of the README files and every `@example` of the sources. */
export function documentedCode(root: string): readonly DocumentedCode[] {
  const readmes = globSync(
    ["README.md", "packages/*/README.md", "examples/README.md", "docs/*.md"],
    {
      cwd: root,
    },
  );
  const sources = globSync("packages/*/src/**/*.ts", { cwd: root }).filter(
    (path) => !/\.test(-d)?\.ts$/.test(path),
  );
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  return [
    ...readmes.flatMap((path) => fencedBlocks(path, read(path))),
    ...sources.flatMap((path) => fencedBlocks(path, withoutStars(read(path)))),
  ];
}

function fencedBlocks(path: string, text: string): readonly DocumentedCode[] {
  const pattern = /(?:<!-- given: (?<given>[\w-]+) -->\s*)?^```ts\n(?<code>[\s\S]*?)^```/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const { code = "", given } = match.groups ?? {};
    return { where: `${path}:${line}`, code, given };
  });
}

/** Doc comments without their leading ` * `; line numbers stay as they are. */
function withoutStars(source: string): string {
  return source.replace(/^ *\* ?/gm, "");
}

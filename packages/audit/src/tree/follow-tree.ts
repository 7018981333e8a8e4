import { lineHash, parseLine } from "@agent-keys/core/audit";
import { compactRange } from "../merkle/compact-range.ts";
import type { Checkpoint, SignedCheckpoint } from "../note/checkpoint.ts";
import type { Extent } from "./journal.ts";
import type { RecordFile } from "./record-files.ts";
import { walkTree } from "./walk.ts";

/** What following a record's tree from its first line to its last showed. */
export interface Followed {
  readonly lines: number;
  /** The checkpoints whose root the tree had at their size. */
  readonly met: readonly SignedCheckpoint[];
  /** Where the journal's hashes and the lines part, for people. */
  readonly firstChange: string | undefined;
  /** The lines that say that files which were begun until then were removed. */
  readonly removals: readonly { readonly index: number; readonly until: string }[];
}

/** Follows a record's tree, and looks which checkpoints it meets. */
export function follow(
  files: readonly RecordFile[],
  journal: readonly Extent[],
  checkpoints: readonly SignedCheckpoint[],
): Followed {
  const wanted = Map.groupBy(checkpoints, ({ size }) => size);
  const met: SignedCheckpoint[] = [];
  const removals: { index: number; until: string }[] = [];
  const tree = compactRange();
  const compare = comparison();
  const look = (): void => {
    const here: readonly (Checkpoint & SignedCheckpoint)[] = wanted.get(tree.end) ?? [];
    if (here.length === 0) return;
    const root = tree.root();
    met.push(...here.filter((one) => one.root.equals(root)));
  };
  look();
  for (const { begin, level, hash, line, file, byte, extent } of walkTree(files, journal)) {
    // An extent that held fewer leaves than it says has left the tree at odds with what follows.
    if (begin % 2 ** level !== 0) break;
    tree.append(hash, level);
    if (file !== undefined)
      compare.take(hash, extent, `${file.path}, after byte ${extent?.start ?? byte}`);
    const until = line === undefined ? undefined : removedUntil(line);
    if (until !== undefined) removals.push({ index: begin, until });
    look();
  }
  return { lines: tree.end, met, firstChange: compare.firstChange(), removals };
}

/** Holds the leaves of each extent against the hashes that its journal's line has. */
function comparison(): {
  take(hash: Buffer, extent: Extent | undefined, where: string): void;
  firstChange(): string | undefined;
} {
  let current: Extent | undefined;
  let range = compactRange();
  let place = "";
  let found: string | undefined;
  const finish = (): void => {
    if (current === undefined) return;
    const { subtrees } = current;
    const isSame =
      range.subtrees.length === subtrees.length &&
      range.subtrees.every(({ hash }, index) => subtrees[index]?.hash.equals(hash) === true);
    if (!isSame) found ??= place;
  };
  return {
    take(hash, extent, where) {
      if (extent !== current) {
        finish();
        current = extent;
        range = compactRange(extent?.from ?? 0);
        place = where;
      }
      if (extent !== undefined) range.append(hash);
    },
    firstChange() {
      finish();
      return found;
    },
  };
}

const ROTATED = Buffer.from('"type":"audit.rotated"');

/** What a line says about removed files, if it is as its writer sealed it. */
function removedUntil(line: Buffer): string | undefined {
  if (!line.includes(ROTATED)) return undefined;
  const text = line.toString("utf8");
  const event = parseLine(text);
  if (event?.type !== "audit.rotated" || event.removed === undefined) return undefined;
  const tail = `,"hash":"${event.hash}"}`;
  const isIntact = text.endsWith(tail) && lineHash(text.slice(0, -tail.length)) === event.hash;
  return isIntact ? event.removed.begunUntil : undefined;
}

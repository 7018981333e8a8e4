import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSpool, type Spool } from "./spool.ts";

let root = "";
let path = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "agent-keys-spool-"));
  path = join(root, "spool");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const MAX_BYTES = 64 * 1024;
const parts = (): string[] => readdirSync(path).filter((name) => name.endsWith(".jsonl"));
const last = (): string => join(path, parts().at(-1)!);

/** What waits, in batches of some bytes; only the first `most` batches are taken. */
function take(spool: Spool, mostBytes = 100, most = Infinity): string[] {
  const all: string[] = [];
  for (let n = 0; n < most; n += 1) {
    const batch = spool.next(mostBytes);
    if (batch === undefined) break;
    all.push(...batch.lines);
    batch.sent();
  }
  return all;
}

test("lines come out in order, each once, over any number of openings", () => {
  const wanted = Array.from({ length: 400 }, (_, n) => `line ${n} ${"\u{1F511}".repeat(n % 40)}`);
  const got: string[] = [];
  for (let from = 0; from < wanted.length; from += 50) {
    using spool = openSpool(path, MAX_BYTES);
    for (const line of wanted.slice(from, from + 50)) spool.append(line);
    got.push(...take(spool, 300, 3));
  }
  using spool = openSpool(path, MAX_BYTES);
  got.push(...take(spool));
  expect(got).toEqual(wanted);
  expect([spool.waitingBytes, parts().length]).toEqual([0, 1]);
});

test("a batch that was not sent comes again, and a longer line than a batch comes whole", () => {
  using spool = openSpool(path, MAX_BYTES);
  const long = "x".repeat(5_000);
  spool.append(long);
  spool.append("short");
  expect(spool.next(10)?.lines[0]).toBe(long);
  expect(take(spool, 10)).toEqual([long, "short"]);
  expect(spool.next(10)).toBeUndefined();
});

test("what a process had begun to write when it died was not accepted, and is cut off", () => {
  {
    using spool = openSpool(path, MAX_BYTES);
    spool.append("one");
  }
  const file = last();
  appendFileSync(file, '{"v":1,"torn');
  using spool = openSpool(path, MAX_BYTES);
  spool.append("two");
  expect(readFileSync(file, "utf8")).toBe("one\n");
  expect(take(spool)).toEqual(["one", "two"]);
});

test.each(["", "garbage\n", "1 2\n", "1 99999\n", "7 0\n"])(
  "a position that does not fit, such as %j, costs sending again, and no line",
  (position) => {
    {
      using spool = openSpool(path, MAX_BYTES);
      for (const line of ["one", "two", "three"]) spool.append(line);
      take(spool, 4, 1);
    }
    writeFileSync(join(path, "position"), position);
    using spool = openSpool(path, MAX_BYTES);
    expect(take(spool)).toEqual(["one", "two", "three"]);
  },
);

test("it is full at its limit, on the disk, and has room again when lines were sent", () => {
  using spool = openSpool(path, MAX_BYTES);
  const line = "x".repeat(999);
  let held = 0;
  const fill = (): void => {
    for (;;) {
      spool.append(line);
      held += 1;
    }
  };
  expect(fill).toThrow("the spool is full");
  expect(held).toBe(65);
  expect(spool.waitingBytes).toBe(65_000);
  expect(take(spool, 1_000, 20)).toHaveLength(20);
  expect(fill).toThrow("the spool is full");
  expect(held).toBeGreaterThan(75);
  expect(take(spool, 100_000)).toHaveLength(held - 20);
  expect(fill).toThrow("the spool is full");
});

test("what the system wrote only in part is taken back before the next line", () => {
  using spool = openSpool(path, MAX_BYTES);
  spool.append("one");
  appendFileSync(last(), "part of a li");
  spool.append("two");
  expect(take(spool)).toEqual(["one", "two"]);
  truncateSync(last(), 0);
});

test("a spool that was deleted takes nothing more", () => {
  using spool = openSpool(path, MAX_BYTES);
  spool.append("one");
  rmSync(path, { recursive: true });
  expect(() => spool.append("two")).toThrow("the spool was deleted");
});

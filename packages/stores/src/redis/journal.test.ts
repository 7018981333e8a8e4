import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openJournal } from "./journal.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-journal-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const path = (): string => join(directory, `journal-${(files += 1)}`);

const bot = { selector: { agent: "bot" }, iss: "urn:desk", atMs: 1 } as const;
const all = { selector: { all: true }, atMs: 2 } as const;

test("what was done last stands, and what Redis was not told is owed", () => {
  const file = path();
  const journal = openJournal(file);
  expect(journal.remembered).toEqual({ epoch: "", stands: new Map(), owed: new Map() });
  journal.append([{ act: "revoke", revocation: bot }]);
  journal.append([
    { act: "stands", revocation: bot },
    { act: "epoch", epoch: "e1" },
    { act: "revoke", revocation: all },
  ]);
  journal.close();
  const again = openJournal(file);
  expect(again.remembered.epoch).toBe("e1");
  expect([...again.remembered.stands.values()]).toEqual([bot, all]);
  expect([...again.remembered.owed.values()]).toEqual([{ act: "revoke", revocation: all }]);
  again.append([
    { act: "revoke", revocation: bot },
    { act: "lifted", revocation: all },
  ]);
  again.close();
  const last = openJournal(file);
  last.close();
  expect([...last.remembered.stands.values()]).toEqual([bot]);
  expect([...last.remembered.owed.values()]).toEqual([{ act: "revoke", revocation: bot }]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a restoration that an earlier version wrote down, and Redis never took, is not carried out", () => {
  const file = path();
  openJournal(file).close();
  const lines = (["stands", "restore"] as const).map((act) => ({ act, revocation: bot }));
  appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const journal = openJournal(file);
  journal.close();
  expect([...journal.remembered.stands.values()]).toEqual([bot]);
  expect(journal.remembered.owed.size).toBe(0);
});

test("a torn last line was never relied on; what comes after it is whole", () => {
  const file = path();
  const journal = openJournal(file);
  journal.append([{ act: "revoke", revocation: bot }]);
  journal.close();
  appendFileSync(file, '{"act":"restore","revoc');
  const torn = openJournal(file);
  expect(torn.remembered.stands.size).toBe(1);
  torn.append([{ act: "revoke", revocation: all }]);
  torn.close();
  const again = openJournal(file);
  again.close();
  expect(again.remembered.stands.size).toBe(2);
});

test.each([
  ["no JSON", "{"],
  ["another act", JSON.stringify({ act: "forget", revocation: bot })],
  ["no selector", JSON.stringify({ act: "revoke", revocation: { atMs: 1 } })],
  ["no revocation", JSON.stringify({ act: "revoke" })],
  ["no epoch", JSON.stringify({ act: "epoch" })],
])("a line that is %s stops the store: it may have been a revocation", (_, line) => {
  const file = path();
  openJournal(file).close();
  appendFileSync(file, `${line}\n`);
  expect(() => openJournal(file)).toThrow(`redisStore: journal: ${file}:1 is damaged`);
  expect(readFileSync(file, "utf8")).toBe(`${line}\n`);
});

test("one that others can read, or that is elsewhere, is refused", () => {
  const file = path();
  openJournal(file).close();
  chmodSync(file, 0o640);
  expect(() => openJournal(file)).toThrow("is open to group or others");
  const link = path();
  symlinkSync(file, link);
  expect(() => openJournal(link)).toThrow("ELOOP");
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteStore } from "@agent-keys/stores/sqlite";
import { afterAll, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { linearization } from "./linearizable.ts";
import { recordHistory } from "./use-counter-history.ts";
import { useCounterModel } from "./use-counter-model.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-sqlite-history-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const HISTORIES = 300;

test.each([
  ["undisturbed", 0],
  ["while others hold the file up", 0.5],
])(
  "histories of three stores on one file, %s, are as if it did one thing at a time",
  async (_, disturbed) => {
    const random = seeded("SQLite", 20_261_124);
    const path = join(directory, `${disturbed}.db`);
    await using a = sqliteStore(path);
    await using b = sqliteStore(path);
    await using c = sqliteStore(path);
    using other = new DatabaseSync(path);
    const counters = [a.uses, b.uses, c.uses] as const;
    const outcomes = new Map<string, number>();
    for (let which = 0; which < HISTORIES; which += 1) {
      const clients = 2 + random.below(7);
      const recording = recordHistory({ counters, random, clients, prefix: `${which}-` });
      if (random.chance(disturbed)) holdUp(other, random.below(30));
      const history = await recording;
      expect(linearization(history, useCounterModel)).toBeDefined();
      for (const { input, output = "not known" } of history) {
        const what = `${input.ask} ${output}`;
        outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      }
    }
    console.log(Object.fromEntries(outcomes));
    // Each of them often, or the histories would say little.
    for (const what of ["done", "used_up", "too_many", "unknown"]) {
      expect(outcomes.get(`reserve ${what}`)).toBeGreaterThan(HISTORIES / 4);
    }
  },
);

/** As a process does that is in the middle of a decision. */
function holdUp(database: DatabaseSync, forMs: number): void {
  try {
    database.exec("BEGIN IMMEDIATE");
  } catch {
    // One of the stores is at it just now.
    return;
  }
  setTimeout(() => database.exec("ROLLBACK"), forMs);
}

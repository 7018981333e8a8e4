import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { memoryStore, type Store } from "@agent-keys/core";
import { sqliteStore } from "@agent-keys/stores/sqlite";
import { atMost, type Benchmark, compare, type Target } from "./result.ts";
import { costOfAwaited, interleave, threadClock, wallClock } from "./rounds.ts";

const CALLS = { disk: 300, memory: 20_000 };
const LIFE_MS = 12_000;
const MEMORY: Target = { of: "difference", atMost: 2 };

/** (h) What it costs to set one use aside. */
export const decision: Benchmark = {
  id: "h",
  title: "One use set aside, in this process and in a SQLite file",
  means: [
    "ours: store.uses.reserve of one use of a new key",
    "floor: in memory, an async function that does nothing; on SQLite, the same client on a file of its",
    "  own: BEGIN IMMEDIATE, SELECT, INSERT, COMMIT, durable as ours",
    "both: one after the other; processor time in memory, the clock on the wall on SQLite",
  ],
  async run(bench) {
    const memory = memoryStore();
    await using sqlite = sqliteStore(join(bench.directory, "ours.db"));
    using bare = openBare(join(bench.directory, "floor.db"));
    let calls = 0;
    const ours = (store: Store) => async (): Promise<void> => {
      const nowMs = Date.now();
      const id = `key-${(calls += 1)}`;
      const charge = { id, limit: 1, mintedAtMs: nowMs - 5, expiresAtMs: nowMs + LIFE_MS };
      const reserved = await store.uses.reserve([{ kind: "uses", ...charge }]);
      if (typeof reserved === "string") throw new Error(reserved);
    };
    // Or the keys are from before it.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const samples = await interleave(
      {
        memory: () => costOfAwaited(threadClock, CALLS.memory, ours(memory)),
        nothing: () => costOfAwaited(threadClock, 20 * CALLS.memory, async () => undefined),
        sqlite: () => costOfAwaited(wallClock, CALLS.disk, ours(sqlite)),
        bare: () =>
          costOfAwaited(wallClock, CALLS.disk, async () => bare.use(`key-${(calls += 1)}`)),
      },
      bench,
    );
    return [
      compare("in memory", { target: MEMORY }, samples.memory, samples.nothing),
      compare("on SQLite", { target: atMost(1.3) }, samples.sqlite, samples.bare),
    ];
  },
};

function openBare(path: string): { use(id: string): void } & Disposable {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`CREATE TABLE uses (id TEXT PRIMARY KEY, used INTEGER NOT NULL, dropped REAL NOT NULL)
    STRICT, WITHOUT ROWID; CREATE INDEX uses_dropped ON uses (dropped)`);
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const used = database.prepare("SELECT used FROM uses WHERE id = ?");
  const use = database.prepare("INSERT INTO uses (id, used, dropped) VALUES (?, 1, ?)");
  return {
    use(id) {
      begin.run();
      if (used.get(id) === undefined) use.run(id, Date.now() + LIFE_MS);
      commit.run();
    },
    [Symbol.dispose]: () => database.close(),
  };
}

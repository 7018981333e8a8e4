import {
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Charge, isReserved, type KeyFacts } from "@agent-keys/core";
import { storeContract } from "@agent-keys/core/testing";
import { sqliteStore } from "@agent-keys/stores/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { startStoreProcess } from "./store-process.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-sqlite-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const fresh = (): string => join(directory, `store-${(files += 1)}.db`);

describe("a file of its own for each", () => {
  storeContract({ test, open: (now) => sqliteStore(fresh(), { now }) });
});

const FACTS: KeyFacts = {
  iss: "urn:desk",
  kids: ["k"],
  ids: ["key"],
  agents: ["bot"],
  scopes: ["a:b"],
};
const LIFE_MS = 60_000;

function charge(id: string, limit = 1): Charge {
  const nowMs = Date.now();
  return { kind: "uses", id, limit, mintedAtMs: nowMs, expiresAtMs: nowMs + LIFE_MS };
}

describe("several processes on one file", () => {
  test("of 1,000 parallel requests over three of them one gets the one use", async () => {
    const path = fresh();
    await using first = await startStoreProcess({ sqlite: path });
    await using second = await startStoreProcess({ sqlite: path });
    await using third = await startStoreProcess({ sqlite: path });
    const charges = [charge("a")];
    const all = await Promise.all(
      [first, second, third].map((one) => one.ask({ do: "reserve", charges, times: 334 })),
    );
    expect(all.flat().filter((outcome) => outcome === "reserved")).toHaveLength(1);
    expect(all.flat().filter((outcome) => outcome === "used_up")).toHaveLength(1_001);
  });

  test("what one revokes or closes the next call of any other refuses", async () => {
    const path = fresh();
    await using first = await startStoreProcess({ sqlite: path });
    await using second = await startStoreProcess({ sqlite: path });
    expect(await second.state(FACTS)).toBe("live");
    await first.ask({ do: "close", iss: "urn:desk", id: "key", expiresAtMs: Date.now() + LIFE_MS });
    expect(await second.state(FACTS)).toBe("closed");
    const revocation = { selector: { agent: "bot" }, iss: "urn:desk", atMs: Date.now() };
    expect(await first.ask({ do: "revoke", revocation })).toEqual(["done"]);
    expect(await second.state(FACTS)).toBe("revoked");
    await first.kill();
    expect(await second.state(FACTS)).toBe("revoked");
    await using later = sqliteStore(path);
    expect(await later.keys.restore({ agent: "bot" }, "urn:desk")).toBe(1);
    expect(await second.state(FACTS)).toBe("closed");
  });

  test("a use stays spent when its process is killed, and is given back by no other", async () => {
    const path = fresh();
    await using first = await startStoreProcess({ sqlite: path });
    const charges = [charge("a")];
    expect(await first.ask({ do: "reserve", charges, times: 1 })).toEqual(["reserved"]);
    await first.kill();
    await using second = await startStoreProcess({ sqlite: path });
    expect(await second.ask({ do: "reserve", charges, times: 1 })).toEqual(["used_up"]);
  });

  test("one that hangs in the middle holds the others up for less than two seconds, and no longer", async () => {
    const path = fresh();
    await using store = sqliteStore(path);
    const { DatabaseSync } = await import("node:sqlite");
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const startedMs = performance.now();
    await expect(store.uses.reserve([charge("a")])).rejects.toMatchObject({
      code: "store_unavailable",
    });
    const revoked = store.keys.revoke({
      selector: { agent: "bot" },
      iss: "urn:desk",
      atMs: Date.now(),
    });
    // Here at once, and told when it could not be shared.
    expect(store.keys.stateOf(FACTS)).toBe("revoked");
    await expect(revoked).rejects.toMatchObject({ code: "store_unavailable" });
    store.keys.close({ iss: "urn:desk", id: "key", expiresAtMs: Date.now() + LIFE_MS });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    // What could not be shared is forgotten, and not done later: somebody may have revoked it since.
    await expect(store.keys.restore({ agent: "bot" }, "urn:desk")).rejects.toMatchObject({
      code: "store_unavailable",
    });
    expect(store.keys.stateOf(FACTS)).toBe("revoked");
    other.exec("ROLLBACK");
    await using second = sqliteStore(path);
    await expect.poll(() => second.keys.stateOf(FACTS)).toBe("revoked");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(second.keys.stateOf(FACTS)).toBe("revoked");
    await second.keys.restore({ agent: "bot" }, "urn:desk");
    expect(second.keys.stateOf(FACTS)).toBe("closed");
    expect(await store.uses.reserve([charge("a")])).toHaveProperty("commit");
  });
});

describe("clocks of two processes", () => {
  test("a minute apart: the one that is ahead is gone by, also by the other", async () => {
    const path = fresh();
    await using behind = sqliteStore(path);
    await using ahead = sqliteStore(path, { now: () => Date.now() + 61_000 });
    const window = { kind: "window", id: "a", limit: 5, windowMs: 60_000 } as const;
    const outcomes: boolean[] = [];
    for (const store of [ahead, behind, behind, ahead, behind, ahead, behind, ahead]) {
      outcomes.push(isReserved(await store.uses.reserve([window])));
    }
    expect(outcomes.filter((reserved) => reserved)).toHaveLength(5);
  });

  test.each([5, -5])(
    "%d minutes apart: no use comes back while a key may live by either",
    async (minutes) => {
      let nowMs = Date.now();
      const path = fresh();
      await using behind = sqliteStore(path, { now: () => nowMs + Math.min(0, minutes) * 60_000 });
      await using ahead = sqliteStore(path, { now: () => nowMs + Math.max(0, minutes) * 60_000 });
      // By the clock of the one that is behind, so that both take it for minted.
      const mintedAtMs = nowMs + Math.min(0, minutes) * 60_000;
      const uses = {
        kind: "uses",
        id: "a",
        limit: 1,
        mintedAtMs,
        expiresAtMs: mintedAtMs + LIFE_MS,
      } as const;
      expect(await behind.uses.reserve([uses])).toHaveProperty("commit");
      expect(await ahead.uses.reserve([uses])).toBe("used_up");
      // The last moment at which the key may live; the other tidies up by its own clock.
      nowMs += LIFE_MS - 1;
      await ahead.uses.reserve([
        { ...uses, id: "b", mintedAtMs: nowMs + 5 * 60_000, expiresAtMs: nowMs + 6 * 60_000 },
      ]);
      expect(await behind.uses.reserve([uses])).toBe("used_up");
      expect(await ahead.uses.reserve([uses])).toBe("used_up");
    },
  );
});

describe("the file", () => {
  test("it is its owner's alone, and so is what SQLite keeps beside it", async () => {
    const path = fresh();
    await using store = sqliteStore(path);
    await store.uses.reserve([charge("a")]);
    for (const name of [path, `${path}-wal`, `${path}-shm`]) {
      expect(statSync(name).mode & 0o777).toBe(0o600);
    }
  });

  test("open to others, a link, damaged, of another version: it is not used", () => {
    const open = fresh();
    writeFileSync(open, "", { mode: 0o644 });
    chmodSync(open, 0o644);
    expect(() => sqliteStore(open)).toThrow(/store-\d+\.db is open to group or others/);
    const target = fresh();
    writeFileSync(target, "", { mode: 0o600 });
    const link = fresh();
    symlinkSync(target, link);
    expect(() => sqliteStore(link)).toThrow(TypeError);
    const text = fresh();
    writeFileSync(text, "this is no database".repeat(1_000), { mode: 0o600 });
    expect(() => sqliteStore(text)).toThrow(/cannot be used: file is not a database/);
    expect(() => sqliteStore(join(directory, "none", "x.db"))).toThrow(/ENOENT/);
    expect(() => sqliteStore("")).toThrow(TypeError);
  });

  test("one that was damaged while in use refuses, and spends nothing twice", async () => {
    const path = fresh();
    {
      await using store = sqliteStore(path);
      await store.uses.reserve([charge("a")]);
    }
    truncateSync(path, 5_000);
    expect(() => sqliteStore(path)).toThrow(TypeError);
  });

  test("another in its place is not taken for it: keys from before are refused there", async () => {
    const path = fresh();
    await using store = sqliteStore(path);
    const charges = [charge("a")];
    await store.uses.reserve(charges);
    const moved = fresh();
    renameSync(path, moved);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await expect(store.uses.reserve(charges)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(() => store.keys.stateOf(FACTS)).toThrow(
      expect.objectContaining({ code: "store_unavailable" }),
    );
    await using second = sqliteStore(path);
    expect(await second.uses.reserve(charges)).toBe("unknown");
  });

  test("the same file under another name has forgotten nothing, a copy may have", async () => {
    const path = fresh();
    const first = sqliteStore(path);
    const charges = [charge("a", 2)];
    await first.uses.reserve(charges);
    await first.close();
    const [moved, copied] = [fresh(), fresh()];
    copyFileSync(path, copied);
    renameSync(path, moved);
    await using same = sqliteStore(moved);
    expect(await same.uses.reserve(charges)).toHaveProperty("commit");
    expect(await same.uses.reserve(charges)).toBe("used_up");
    await using copy = sqliteStore(copied);
    expect(await copy.uses.reserve(charges)).toBe("unknown");
  });

  test("what has expired goes, and no revocation does but by an id that cannot live", async () => {
    let nowMs = Date.now();
    const path = fresh();
    await using store = sqliteStore(path, { now: () => nowMs });
    const spend = async (id: string): Promise<void> => {
      const window = { kind: "window", id, limit: 5, windowMs: 1_000 } as const;
      const intent = { kind: "intent", id, expiresAtMs: nowMs + LIFE_MS } as const;
      const uses = { ...charge(id), mintedAtMs: nowMs, expiresAtMs: nowMs + LIFE_MS } as const;
      await store.uses.reserve([uses, window, intent]);
      store.keys.close({ iss: "urn:desk", id, expiresAtMs: nowMs + LIFE_MS });
      await store.keys.revoke({ selector: { id }, iss: "urn:desk", atMs: nowMs });
    };
    for (let i = 0; i < 20; i += 1) await spend(`key-${i}`);
    await store.keys.revoke({ selector: { user: "ada" }, iss: "urn:desk", atMs: nowMs });
    nowMs += 40 * 60_000;
    await spend("late");
    const { DatabaseSync } = await import("node:sqlite");
    using inside = new DatabaseSync(path);
    const rows = (table: string): unknown =>
      inside.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.["rows"];
    for (const table of ["closed", "uses", "window_uses", "intents"])
      expect([table, rows(table)]).toEqual([table, 1]);
    expect(rows("revocations")).toBe(2);
  });
});

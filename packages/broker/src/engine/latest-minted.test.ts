import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore } from "@agent-keys/core";
import { expect, test } from "vitest";
import { type Setup, setup } from "../../test/setup.ts";
import { rememberLatest } from "./latest-minted.ts";

const scratch = (): string => join(mkdtempSync(join(tmpdir(), "latest-")), "revocations.jsonl");

/** A broker, a clock of its own, and keys that are minted by the same one. */
async function brokerAt(now: () => number, revocationsFile: string, from?: Setup): Promise<Setup> {
  return setup({
    broker: { now, revocationsFile, port: from === undefined ? 0 : Number(new URL(from.url).port) },
    keys: { now, ...(from === undefined ? {} : { signingKey: from.privateKey }) },
  });
}

test("a clock that is set back between two brokers gives no use a second time", async () => {
  const path = scratch();
  const startedMs = Date.now();
  let nowMs = startedMs;
  const now = (): number => nowMs;
  const codeOf = async (s: Setup, key: string): Promise<string | null> => {
    const answer = await s.ask("/tickets/tickets/1", { key });
    await answer.text();
    return answer.headers.get("agent-keys-code");
  };
  const first = await brokerAt(now, path);
  const used = first.mint({ scope: "tickets:read", uses: 1, expiresIn: "5m" });
  expect(await codeOf(first, used)).toBeNull();
  expect(await codeOf(first, used)).toBe("key_used_up");
  await first[Symbol.asyncDispose]();
  // An hour back: the broker begins, and then the time of the key comes a second time.
  nowMs = startedMs - 3_600_000;
  await using second = await brokerAt(now, path, first);
  nowMs = startedMs + 100;
  expect(second.url).toBe(first.url);
  expect(await codeOf(second, used)).toBe("use_unknown");
  expect(second.upstream.seen).toEqual([]);
  const fresh = second.mint({ scope: "tickets:read", uses: 1 });
  expect(await codeOf(second, fresh)).toBeNull();
  expect(await codeOf(second, second.mint("tickets:read"))).toBeNull();
});

test("what was counted is on the disk before it is, and exact once all is closed", async () => {
  const path = `${scratch()}.clock`;
  const nowMs = 1_800_000_000_000;
  const charge = (mintedAtMs: number, id = "a") =>
    [{ kind: "uses", id, limit: 1, mintedAtMs, expiresAtMs: nowMs + 60_000 }] as const;
  const store = memoryStore({ now: () => nowMs - 1_000 });
  const seen: number[] = [];
  const inner = {
    ...store.uses,
    reserve: (charges: Parameters<typeof store.uses.reserve>[0]) => {
      seen.push(Number(readFileSync(path, "utf8")));
      return store.uses.reserve(charges);
    },
  };
  const first = rememberLatest(inner, path, () => nowMs);
  expect(first.behindMs).toBe(0);
  await Promise.all([first.uses.reserve(charge(nowMs)), first.uses.reserve(charge(nowMs, "b"))]);
  expect(seen).toEqual([nowMs + 1_000, nowMs + 1_000]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  // As after a crash: it was not closed.
  const crashed = rememberLatest(store.uses, path, () => nowMs - 5_000);
  expect(crashed.behindMs).toBe(6_000);
  expect(await crashed.uses.reserve(charge(nowMs + 1_000, "c"))).toBe("unknown");
  expect(await crashed.uses.peek(charge(nowMs + 1_000, "c"))).toBe("unknown");
  await first.close();
  expect(Number(readFileSync(path, "utf8"))).toBe(nowMs);
  const second = rememberLatest(store.uses, path, () => nowMs);
  expect(await second.uses.peek(charge(nowMs, "d"))).toBe("unknown");
  expect(await second.uses.peek(charge(nowMs + 1, "d"))).toBe("available");
});

test("a file that is damaged, or open to others, stops the broker", () => {
  const path = `${scratch()}.clock`;
  const { uses } = memoryStore();
  writeFileSync(path, "yesterday\n", { mode: 0o600 });
  expect(() => rememberLatest(uses, path, Date.now)).toThrow(/\.clock is damaged/);
  chmodSync(path, 0o644);
  expect(() => rememberLatest(uses, path, Date.now)).toThrow("open to group or others");
});

test("a disk that does not take it refuses the use", async () => {
  const path = `${scratch()}.clock`;
  const store = memoryStore();
  const remembering = rememberLatest(store.uses, path, Date.now);
  await remembering.close();
  const mintedAtMs = Date.now();
  const charge = { kind: "uses", id: "a", limit: 1, mintedAtMs, expiresAtMs: mintedAtMs } as const;
  await expect(remembering.uses.reserve([charge])).rejects.toMatchObject({
    code: "store_unavailable",
  });
  expect(await store.uses.peek([charge])).toBe("available");
});

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore, type RevocationSelector } from "@agent-keys/core";
import { expect, test } from "vitest";
import { ISSUER } from "../../test/setup.ts";
import { openRevocationsFile } from "./revocations-file.ts";

const NOW_MS = 1_800_000_000_000;
const now = (): number => NOW_MS;
const OVER = NOW_MS / 1000 - 60;
const ALIVE = NOW_MS / 1000 + 20;

let jti = 0;
function line(act: string, selector: RevocationSelector, exp = OVER, iss = ISSUER): string {
  jti += 1;
  const notice = { jti: `n${jti}`, exp };
  return `${JSON.stringify({ act, selector, iss, atMs: exp * 1000, notice })}\n`;
}

function inTurn(user: string, times: number): string {
  const pair = (): string => line("revoke", { user }) + line("restore", { user });
  return Array.from({ length: times }, pair).join("");
}

function written(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "compact-")), "revocations.jsonl");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function opened(path: string) {
  const store = memoryStore({ now });
  const file = openRevocationsFile(path, store, now);
  await file.close();
  const standing = store.keys.revocations().map(({ iss, selector }) => ({ iss, selector }));
  return { standing, seen: file.seen };
}

test("of revocations that come and go the next start keeps what stands", async () => {
  const mallory = { user: "mallory" };
  const path = written(
    line("revoke", { all: true }, OVER, "https://other.example") +
      line("revoke", { user: "eve" }) +
      inTurn("bob", 2_000) +
      line("revoke", { id: "ended" }, OVER - 2 * 86_400) +
      line("revoke", mallory) +
      line("restore", mallory) +
      line("revoke", mallory) +
      // Its notice could come again, and has its effect once.
      line("revoke", { user: "ann" }, ALIVE) +
      line("restore", { user: "ann" }) +
      line("restore", { user: "joe" }, ALIVE) +
      '{"act":"revo',
  );
  const before = statSync(path).size;
  const first = await opened(path);
  expect(statSync(path).size).toBeLessThan(before / 100);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, ".."))).toEqual(["revocations.jsonl"]);
  const text = readFileSync(path, "utf8");
  expect(text.trim().split("\n")).toHaveLength(6);
  const second = await opened(path);
  const stands = [
    { iss: "https://other.example", selector: { all: true } },
    { iss: ISSUER, selector: { user: "eve" } },
    { iss: ISSUER, selector: mallory },
  ];
  expect(second.standing).toEqual(expect.arrayContaining(stands));
  expect(second.standing).toHaveLength(stands.length);
  expect(first.standing).toEqual(expect.arrayContaining(stands));
  const alive = ({ exp }: { readonly exp: number }): boolean => exp === ALIVE;
  expect(first.seen.filter(alive)).toHaveLength(2);
  expect(second.seen.filter(alive)).toEqual(first.seen.filter(alive));
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("what is left beside it is removed, and not written through", async () => {
  const path = written(line("revoke", { user: "eve" }) + inTurn("bob", 1_000));
  const elsewhere = written("not of the broker");
  symlinkSync(elsewhere, `${path}.new`);
  expect((await opened(path)).standing).toEqual([{ iss: ISSUER, selector: { user: "eve" } }]);
  expect(readFileSync(elsewhere, "utf8")).toBe("not of the broker");
  expect(readdirSync(join(path, ".."))).toEqual(["revocations.jsonl"]);
  expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(1);
});

test("a broker whose file another one has replaced does not say that it wrote something down", async () => {
  const path = written(line("revoke", { user: "eve" }));
  const file = openRevocationsFile(path, memoryStore(), now);
  writeFileSync(path, inTurn("bob", 1_000), { flag: "a" });
  await opened(path);
  const revocation = { selector: { user: "joe" }, iss: ISSUER, atMs: 1 };
  const act = { act: "revoke", revocation, notice: { jti: "x", exp: ALIVE } } as const;
  await expect(file.append([act])).rejects.toThrow("another broker's");
  await file.close();
});

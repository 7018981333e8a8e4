import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordOf, verified } from "../../crash/record.ts";
import { seeded } from "../../seeded.ts";
import { openIssuer } from "../issuer.ts";
import { type Lane, runLane } from "./lane.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-broker-kill-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** 200 kills: of two brokers, next to each other. */
const LIVES = [100, 100] as const;
let lanes: readonly Lane[] = [];

beforeAll(async () => {
  const issuer = openIssuer();
  lanes = await Promise.all(
    LIVES.map((lives, lane) => {
      const own = join(directory, `lane-${lane}`);
      mkdirSync(own);
      return runLane(own, lives, issuer, seeded(`broker ${lane}`, 11_000 + lane));
    }),
  );
  for (const { ledger } of lanes) await ledger[Symbol.asyncDispose]();
  for (const { keys, ledger, cutOff, afterwards, unlimited } of lanes) {
    console.log(
      `${keys.length} keys, ${ledger.requests} requests upstream, ${cutOff} cut off, ` +
        `old keys with a limit: ${told(afterwards)}, without: ${told(unlimited)}`,
    );
  }
}, 590_000);

function told(codes: ReadonlyMap<string, number>): string {
  return [...codes].map(([code, count]) => `${count} × ${code}`).join(", ");
}

test("there were 200 kills, under load", () => {
  expect(lanes.reduce((sum, { kills }) => sum + kills, 0)).toBe(200);
  for (const { keys, ledger, cutOff, kills } of lanes) {
    expect(keys.length).toBeGreaterThan(kills * 5);
    expect(ledger.requests).toBeGreaterThan(kills * 5);
    // Or no kill came in the middle of anything.
    expect(cutOff).toBeGreaterThan(kills / 2);
    expect(ledger.strangers).toBe(0);
  }
});

test("nothing reached the upstream before it was announced", () => {
  for (const { ledger } of lanes) expect(ledger.unannounced).toEqual([]);
});

test("no use was spent twice, over all lives", () => {
  for (const { keys, ledger } of lanes) {
    const limited = keys.filter(({ uses }) => uses !== undefined);
    expect(limited.filter(({ id, uses }) => ledger.of(id) > (uses ?? 0))).toEqual([]);
    expect(limited.filter(({ id, uses }) => ledger.of(id) === uses).length).toBeGreaterThan(100);
  }
});

test("a later life does not know what is left of a key with a limit, and knows every other", () => {
  for (const { afterwards, unlimited } of lanes) {
    expect([...afterwards.keys()]).toEqual(["use_unknown"]);
    expect([...unlimited.keys()]).toEqual(["200"]);
    expect(afterwards.get("use_unknown")).toBeGreaterThan(100);
  }
});

test("what was revoked stays revoked", () => {
  for (const { revoked, ledger } of lanes) {
    const answers = [...revoked.values()].flat();
    expect(answers.length).toBeGreaterThan(50);
    expect(new Set(answers)).toEqual(new Set(["key_revoked"]));
    expect(ledger.of("revoked")).toBe(0);
  }
});

test("the record can be verified, and holds an outcome for no request but those announced", () => {
  for (const { audit, ledger } of lanes) {
    const { status, report } = verified(audit);
    expect([status, report.damageCount]).toEqual([0, 0]);
    const events = recordOf(audit);
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    expect(count("request.allowed")).toBeGreaterThanOrEqual(ledger.requests);
    expect(count("request.completed")).toBeLessThanOrEqual(count("request.allowed"));
  }
});

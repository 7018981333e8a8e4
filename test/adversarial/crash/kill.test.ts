import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgentKeys, fileSink, type FileSinkOptions } from "@agent-keys/core";
import { segmentsOf } from "@agent-keys/core/audit";
import { afterAll, expect, test } from "vitest";
import { seeded } from "../seeded.ts";
import { type Acknowledged, liveAndDie, nothingAcknowledged } from "./killed-writer.ts";
import { idsIn, recordOf, verified } from "./record.ts";

const directory = mkdtempSync(join(tmpdir(), "agent-keys-kill-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** 200 kills: how many writers share the file, and how often each is started again. */
const rounds: readonly (readonly [string, number, number, FileSinkOptions])[] = [
  ["one writer", 1, 50, {}],
  ["one writer that rotates", 1, 30, { maxBytes: 20_000 }],
  ["three writers on one file", 3, 25, {}],
  ["three writers that rotate one file", 3, 15, { maxBytes: 20_000 }],
];

test("there are 200 kills", () => {
  expect(rounds.reduce((sum, [, writers, lives]) => sum + writers * lives, 0)).toBe(200);
});

test.each(rounds)(
  "%s: %i × %i kills lose no acknowledged event",
  async (name, writers, lives, options) => {
    const path = join(directory, `${name.replaceAll(" ", "-")}.jsonl`);
    const said = nothingAcknowledged();
    const slots = Array.from({ length: writers }, (_, slot) =>
      seeded(`${name} ${slot}`, 7_000 + slot),
    );
    await Promise.all(
      slots.map(async (random) => {
        for (let life = 0; life < lives; life += 1)
          await liveAndDie(path, { options, random, said });
      }),
    );
    // Whoever comes next repairs what the last one left, and works.
    createAgentKeys({ agent: "next", policy: "allow-all", audit: fileSink(path, options) })
      .mint("tickets:read")
      .close();
    expect(said.kills).toBe(writers * lives);
    expectNothingLost(path, said);
    const { status, report } = verified(path);
    console.log(
      `${name}: ${said.minted.size} mints acknowledged, ${said.torn} torn lines, ` +
        `${segmentsOf(path).length} full segments, ${report.noteCount} notes, ${report.damageCount} damaged`,
    );
    expect(segmentsOf(path).length > 0).toBe(options.maxBytes !== undefined);
    // Each torn line is reported, and nothing else is.
    const torn = [...report.notes, ...report.damage];
    expect(torn.filter(({ code }) => code !== "torn")).toEqual([]);
    expect(torn).toHaveLength(said.torn);
    // With others, the writer that saw it may have been killed as well before it could say so.
    expect(report.damageCount).toBeLessThanOrEqual(writers === 1 ? 0 : said.torn / 4);
    expect(status).toBe(report.damageCount === 0 ? 0 : 1);
  },
);

function expectNothingLost(path: string, said: Acknowledged): void {
  const events = recordOf(path);
  const minted = idsIn(events, "key.minted");
  const closed = idsIn(events, "key.closed");
  expect(new Set(minted).size).toBe(minted.length);
  expect(new Set(closed).size).toBe(closed.length);
  expect(said.minted.size).toBeGreaterThan(100);
  const lost = (acknowledged: Set<string>, recorded: readonly string[]): string[] => {
    const there = new Set(recorded);
    return [...acknowledged].filter((id) => !there.has(id));
  };
  expect(lost(said.minted, minted)).toEqual([]);
  expect(lost(said.closed, closed)).toEqual([]);
}

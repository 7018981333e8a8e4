import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chainVerifier } from "@agent-keys/core/audit";
import { afterAll, describe, expect, test } from "vitest";
import { linesIn } from "../../audit/lines-in.ts";
import { isSaid } from "../../servers/is-said.ts";
import { postgresMissing, startPostgres } from "../../servers/postgres.ts";
import { seeded } from "../seeded.ts";

const SENDER = fileURLToPath(new URL("sender.ts", import.meta.url));
const ROUNDS = Number(process.env["AGENT_KEYS_ROUNDS"] ?? 12);
const directory = mkdtempSync(join(tmpdir(), "agent-keys-postgres-kill-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function failed(child: ChildProcess): Promise<never> {
  await once(child, "exit");
  throw new Error(`the sender ended by itself: ${child.exitCode ?? child.signalCode}`);
}

describe.skipIf(isSaid(postgresMissing))("the sender or PostgreSQL is killed at any moment", () => {
  test("every line that was accepted is there once, in order, and the chains hold", async () => {
    const random = seeded("postgres-kill", 20_261_124);
    await using server = await startPostgres();
    const spools = ["a", "b"].map((name) => join(directory, name));
    const notesOf = (spool: string): string => `${spool}.notes`;
    const start = async (spool: string, mode = "") => {
      const args = [SENDER, server.url, spool, notesOf(spool), mode];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      if (mode === "") await Promise.race([once(child.stdout, "data"), failed(child)]);
      return child;
    };
    const senders = await Promise.all(spools.map(async (spool) => start(spool)));
    let isUp = true;
    for (let round = 0; round < ROUNDS; round += 1) {
      await wait(random.below(300));
      const victim = random.below(3);
      const [sender, spool] = [senders[victim], spools[victim]];
      if (sender !== undefined && spool !== undefined) {
        sender.kill("SIGKILL");
        await once(sender, "exit");
        senders[victim] = await start(spool);
      } else if (isUp) {
        await server.crash();
        isUp = false;
      } else {
        await server.start();
        isUp = true;
      }
    }
    for (const sender of senders) {
      sender.kill("SIGKILL");
      await once(sender, "exit");
    }
    if (!isUp) await server.start();
    for (const spool of spools) {
      const drained = await start(spool, "drain");
      const [status] = (await once(drained, "exit")) as [number];
      expect(status).toBe(0);
    }
    const kept = await linesIn(server.url);
    expect(new Set(kept).size).toBe(kept.length);
    const verifier = chainVerifier();
    const segment = verifier.begin("");
    for (const line of kept) segment.push(Buffer.from(`${line}\n`));
    segment.end();
    expect(verifier.report()).toMatchObject({ damageCount: 0, events: kept.length });
    const writerOf = (line: string): string => (JSON.parse(line) as { writer: string }).writer;
    let accepted = 0;
    for (const spool of spools) {
      expect(existsSync(notesOf(spool))).toBe(true);
      // The last note of a sender may be torn; what it was about was accepted none the less.
      const noted = readFileSync(notesOf(spool), "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"));
      accepted += noted.length;
      const writers = new Set(noted.map(writerOf));
      const whole = new Set(noted);
      const ours = kept.filter((line) => writers.has(writerOf(line)));
      // Besides, each sender may have had one line accepted that it could not note any more.
      expect(ours.filter((line) => whole.has(line))).toEqual(noted);
      expect(ours.length - noted.length).toBeLessThanOrEqual(writers.size);
    }
    console.log(`${accepted} lines accepted over ${ROUNDS} rounds, ${kept.length} in the table`);
    expect(accepted).toBeGreaterThan(1_000);
  });
});

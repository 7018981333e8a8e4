import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { postgresSink } from "@agent-keys/audit/postgres";
import { sqliteSink } from "@agent-keys/audit/sqlite";
import { Client } from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { callFacts, writerNamed } from "../../../packages/audit/test/sealed.ts";
import { isSaid } from "../../servers/is-said.ts";
import { postgresMissing, startPostgres } from "../../servers/postgres.ts";

/**
 * AGENT_KEYS_EVENTS=5000000 is what was measured once; it takes minutes, and some 15 GB of disk. Then stats
 * is over the bound: it keeps every duration, to name one that occurred.
 */
const EVENTS = Number(process.env["AGENT_KEYS_EVENTS"] ?? 200_000);
const CALLS = EVENTS / 4;
const RUN = fileURLToPath(new URL("run-console.ts", import.meta.url));
const SHOW_MS = 200;
const MEMORY_BYTES = 400 * 1024 * 1024;
const FILTERED = ["--tool", "read_repo", "--outcome", "error"];

interface Measured {
  readonly status: number;
  readonly ms: number;
  readonly maxRssBytes: number;
  readonly outBytes: number;
}

const directory = mkdtempSync(join(tmpdir(), "agent-keys-many-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const COLUMNS = "iss, parent_id, agent, user_id, txn, tool, code, outcome, scopes, time, type";
/** Each call once more for each n, with ids of its own. */
const copies = (table: string, from: string, id: string): string =>
  `INSERT INTO ${table} (writer, seq, id, key_id, call_id, id_end, line, ${COLUMNS})
   SELECT 'many', n * 4 + seq, 'many.' || (n * 4 + seq), ${id}, 'call_' || ${id}, ${id},
     replace(line, 'KEY', ${id}), ${COLUMNS} FROM ${from}, ${table} WHERE writer = 'template' ORDER BY n, seq`;

const measured = (place: string, ...args: string[]): Measured => {
  const [command = "", ...rest] = args;
  const node = ["--disable-warning=ExperimentalWarning", RUN, command, "--from", place, ...rest];
  return JSON.parse(execFileSync(process.execPath, node, { encoding: "utf8" })) as Measured;
};

/** Commands over many events: those that failed, were slow or took too much memory. All are printed. */
function tooMuch(place: string): readonly string[] {
  const middle = `k${String(Math.floor(CALLS / 2)).padStart(9, "0")}`;
  const commands = [
    ["show", middle],
    ["show", `call_${middle}`],
    ["ls"],
    ["ls", ...FILTERED],
    ["ls", "--agent", "nobody"],
    ["stats"],
  ];
  return commands.flatMap((args) => {
    const { status, ms, maxRssBytes } = measured(place, ...args);
    const megabytes = Math.round(maxRssBytes / 1024 / 1024);
    const kind = place.slice(0, place.indexOf(":"));
    const said = `${args.join(" ")}: ${Math.round(ms)} ms, ${megabytes} MB`;
    console.log(`${kind}, ${EVENTS} events, ${said}`);
    const isSlow = args[0] === "show" && ms >= SHOW_MS;
    return status === 0 && !isSlow && maxRssBytes < MEMORY_BYTES ? [] : [said];
  });
}

const template = () => {
  const seal = writerNamed("template");
  return callFacts({ keyId: "KEY" }).map(seal);
};

test("in SQLite: show by id is quick, and nothing needs more memory than there is for it", () => {
  const path = join(directory, "many.db");
  using sink = sqliteSink(path);
  for (const { event, line } of template()) void sink.write(event, line);
  {
    using database = new DatabaseSync(path);
    const numbers = `WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${CALLS - 1}) `;
    database.exec(
      `PRAGMA synchronous = OFF; ${numbers}${copies("events", "numbers", "printf('k%09d', n)")}`,
    );
    database.exec("DELETE FROM events WHERE writer = 'template'");
  }
  expect(tooMuch(`sqlite:${path}`)).toEqual([]);
});

describe.skipIf(isSaid(postgresMissing))("in PostgreSQL", () => {
  test("show by id is quick, and nothing needs more memory than there is for it", async () => {
    await using server = await startPostgres(["max_wal_size=4GB", "shared_buffers=256MB"]);
    {
      await using sink = postgresSink({ connection: server.url, spool: join(directory, "spool") });
      for (const { event, line } of template()) void sink.write(event, line);
      await sink.flush?.();
    }
    const client = new Client(server.url);
    await client.connect();
    const numbers = `generate_series(0, ${CALLS - 1}) AS n`;
    await client.query(copies("agent_keys_audit", numbers, "'k' || lpad(n::text, 9, '0')"));
    await client.query("DELETE FROM agent_keys_audit WHERE writer = 'template'");
    await client.query("ANALYZE agent_keys_audit");
    await client.end();
    expect(tooMuch(server.url)).toEqual([]);
  });
});

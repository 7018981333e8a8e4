import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { postgresSink } from "@agent-keys/audit/postgres";
import { openSqliteRecord, sqliteSink } from "@agent-keys/audit/sqlite";
import { run, type Terminal } from "@agent-keys/console";
import { fileSink, type Sink } from "@agent-keys/core";
import { type AuditEvent, parseLine } from "@agent-keys/core/audit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeRecord } from "../../packages/console/test/record.ts";
import { callFacts, writerNamed } from "../../packages/audit/test/sealed.ts";
import { isSaid } from "../servers/is-said.ts";
import { type PostgresServer, postgresMissing, startPostgres } from "../servers/postgres.ts";

const HOSTILE = "\u001b]0;owned\u0007\u001b[2J\u202Eada\r\nagent-keys: fine\0\uD800";
const PASSWORD = "canary-password-4tGhx1";

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ran(
  args: readonly string[],
  columns = Infinity,
  signal?: AbortSignal,
): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const terminal: Terminal = {
    out: (text) => void (stdout += text),
    err: (text) => void (stderr += text),
    columns,
    isTerminal: columns !== Infinity,
    env: {},
    now: () => Date.UTC(2026, 10, 24, 12),
    signal,
  };
  const status = await run(args, terminal);
  return { status, stdout, stderr };
}

describe.skipIf(isSaid(postgresMissing))("a file, SQLite and PostgreSQL", () => {
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-same-"));
  const file = join(directory, "audit.jsonl");
  const sqlite = `sqlite:${join(directory, "audit.db")}`;
  let server: PostgresServer;
  let postgres = "";
  let events: readonly AuditEvent[] = [];
  let ids: readonly string[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    postgres = server.url;
    const { ids: named } = await writeRecord(file);
    ids = [...Object.values(named), ...hostileCalls(file)];
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    events = lines.flatMap((line) => parseLine(line) ?? []);
    if (events.length !== lines.length) throw new Error("not every line is an event");
    using one = sqliteSink(sqlite.slice("sqlite:".length));
    await using other = postgresSink({ connection: postgres, spool: join(directory, "spool") });
    const sinks: readonly Sink[] = [one, other];
    for (const sink of sinks) {
      lines.forEach((line, index) => void sink.write(events[index]!, line));
      await sink.flush?.();
    }
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const places = () => [file, `file:${file}`, sqlite, postgres];
  /** What a command says over each of them, with its own name for the record taken out. */
  const overAll = async (args: readonly string[], columns?: number): Promise<readonly Ran[]> =>
    Promise.all(
      places().map(async (place) => {
        const [command = "", ...rest] = args;
        const { status, stdout, stderr } = await ran([command, "--from", place, ...rest], columns);
        const names = [
          sqlite,
          place,
          file,
          `postgres://postgres@127.0.0.1:${server.port}/postgres`,
        ];
        const neutral = (text: string): string =>
          names.reduce((all, name) => all.replaceAll(name, "RECORD"), text);
        return { status, stdout: neutral(stdout), stderr: neutral(stderr) };
      }),
    );

  const FILTERS: readonly (readonly string[])[] = [
    [],
    ["--agent", "report-bot"],
    ["--agent", "support-bot", "--type", "key.*"],
    ["--user", "ada@example.com", "--user", "nobody"],
    ["--tool", "get_ticket"],
    ["--scope", "tickets:*"],
    ["--scope", "github:repos.read", "--scope", "mail:*"],
    ["--type", "key.denied"],
    ["--type", "key.revoked", "--type", "audit.*"],
    ["--type", "request.*"],
    ["--outcome", "error"],
    ["--outcome", "ok", "--limit", "2"],
    ["--since", "2026-01-01"],
    ["--until", "2026-06-01T00:00Z"],
    ["--since", "2026-01-01T00:00:00.003Z", "--until", "2026-01-01T00:00:00.006Z"],
    ["--until", "2000-01-01"],
    ["--limit", "0"],
    ["--limit", "3"],
  ];
  const COMMANDS = ["ls", "tail", "stats"].flatMap((command) =>
    FILTERS.flatMap((filter) => [
      [command, ...filter],
      [command, "--json", ...filter],
    ]),
  );

  const EXPORTS = ["csv", "ocsf", "cef"].map((format) => ["export", "--format", format]);
  test.each(
    [...COMMANDS, ...EXPORTS, ["verify"], ["verify", "--json"]].map((args) => [
      args.join(" "),
      args,
    ]),
  )("%s", async (_, args) => {
    const [first, ...others] = await overAll(args);
    expect(first!.status).toBe(0);
    for (const other of others) expect(other).toEqual(first);
    // The lines of CSV end as RFC 4180 has it.
    const shown = `${first!.stdout}${first!.stderr}`.replaceAll("\r\n", "\n");
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\0-\u0009\u000b-\u001f\u202e]/);
    if (args.includes("--json")) return;
    const [narrow, ...narrows] = await overAll(args, 80);
    for (const other of narrows) expect(other).toEqual(narrow);
  });

  test("verify finds a row of which only a column was changed, so that a filter misses it", async () => {
    const client = new Client({ connectionString: postgres });
    await client.connect();
    const database = new DatabaseSync(sqlite.slice("sqlite:".length));
    try {
      for (const [column, value] of [
        ["agent", "'somebody-else'"],
        ["time", "'2001-01-01T00:00:00.000Z'"],
        ["outcome", "NULL"],
      ]) {
        const where = column === "outcome" ? "outcome IS NOT NULL" : "agent = 'report-bot'";
        const first = `position = (SELECT min(position) FROM TABLE_ WHERE ${where})`;
        const change = (table: string): string =>
          `UPDATE ${table} SET ${column} = ${value} WHERE ${first.replace("TABLE_", table)}`;
        database.exec(
          `BEGIN; CREATE TABLE kept AS SELECT * FROM events; ${change("events")}; COMMIT`,
        );
        await client.query(
          `CREATE TABLE kept AS SELECT * FROM agent_keys_audit; ${change("agent_keys_audit")}`,
        );
        for (const place of [sqlite, postgres]) {
          const { status, stdout } = await ran(["verify", "--from", place]);
          expect(`${status} ${stdout.split("\n")[0]}`).toMatch(
            /^1 DAMAGED {2}the columns of 1 row /,
          );
          const json = await ran(["verify", "--from", place, "--json"]);
          expect(JSON.parse(json.stdout)).toMatchObject({ intact: false, differingCount: 1 });
        }
        const back = (table: string): string =>
          `UPDATE ${table} SET ${column} = (SELECT kept.${column} FROM kept WHERE kept.position = ${table}.position); DROP TABLE kept`;
        database.exec(back("events"));
        await client.query(back("agent_keys_audit"));
      }
      for (const place of [sqlite, postgres]) {
        expect((await ran(["verify", "--from", place])).status).toBe(0);
      }
    } finally {
      database.close();
      await client.end();
    }
  });

  test("show, for each way to name each call", async () => {
    const named = new Set<string>(ids);
    for (const event of events) {
      const { keyId, tool, id } = event as {
        keyId?: string;
        id: string;
        tool?: { callId?: string };
      };
      for (const one of [keyId, tool?.callId, id]) {
        if (one !== undefined)
          for (const part of [one, one.slice(0, 9), one.slice(-7)]) named.add(part);
      }
    }
    const asked = [...named, "call_", "nothing-like-it"].filter((id) => !/[\0\uD800]/.test(id));
    expect(asked.length).toBeGreaterThan(60);
    let found = 0;
    for (const id of asked) {
      const ways = ids.includes(id) ? [[], ["--json"], ["--tool", "get_ticket"]] : [["--json"]];
      for (const args of ways) {
        const [first, ...others] = await overAll(["show", ...args, "--", id]);
        for (const other of others) expect(other).toEqual(first);
        if (first!.status === 0) found += 1;
      }
    }
    expect(found).toBeGreaterThan(60);
  });

  test("what was edited, taken out or put elsewhere is found in each", async () => {
    const database = join(directory, "edited.db");
    using sink = sqliteSink(database);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const edited = lines.map((line, index) => (index === 3 ? line.replace("bot", "b0t") : line));
    edited.forEach((line, index) => void sink.write(events[index]!, line));
    const client = new Client(server.url);
    await client.connect();
    await client.query("CREATE TABLE edited (LIKE agent_keys_audit INCLUDING ALL)");
    await client.query("INSERT INTO edited OVERRIDING SYSTEM VALUE SELECT * FROM agent_keys_audit");
    await client.query("UPDATE edited SET line = replace(line, 'bot', 'b0t') WHERE seq = 3");
    await client.end();
    const [one, other] = await Promise.all(
      [`sqlite:${database}`, `${postgres}?table=edited`].map(async (place) =>
        ran(["verify", place]),
      ),
    );
    for (const { status, stdout } of [one!, other!]) {
      expect(status).toBe(1);
      expect(stdout).toContain("its bytes are not the ones its hash covers");
    }
    await using record = openSqliteRecord(database);
    expect(record.name).toBe(database);
  });

  test.each(["sqlite", "postgres"])(
    "tail -f shows each event of %s as it comes, once",
    async (kind) => {
      const stop = new AbortController();
      const place = kind === "sqlite" ? sqlite : postgres;
      const seen = Promise.withResolvers<string>();
      const sink =
        kind === "sqlite"
          ? sqliteSink(sqlite.slice(7))
          : postgresSink({ connection: postgres, spool: join(directory, "tail-spool") });
      const seal = writerNamed(`tail-${kind}`);
      let out = "";
      const status = run(
        ["tail", "-f", "--json", "-n", "1", "--from", place, "--agent", "tailed"],
        {
          out(text) {
            out += text;
            if (text.includes("key.closed")) seen.resolve(out);
          },
          err: (text) => seen.reject(new Error(text)),
          columns: Infinity,
          isTerminal: false,
          env: {},
          now: Date.now,
          signal: stop.signal,
        },
      );
      const sent = callFacts({ keyId: `tail-${kind}`, agent: "tailed" }).map((fact) => {
        const { event, line } = seal(fact);
        void sink.write(event, line);
        return line;
      });
      const shown = (await seen.promise).trimEnd().split("\n");
      stop.abort();
      expect(await status).toBe(0);
      // With -n 1, of what came before it began to follow only the last is shown.
      expect(shown).toEqual(sent.slice(-shown.length));
      await (kind === "sqlite"
        ? (sink as Disposable)[Symbol.dispose]()
        : (sink as AsyncDisposable)[Symbol.asyncDispose]());
    },
  );

  test("a password is printed by no command, whatever is wrong", async () => {
    const port = `127.0.0.1:${server.port}`;
    for (const address of [
      `postgres://postgres:${PASSWORD}@${port}/postgres?table=missing_table`,
      `postgres://postgres:${PASSWORD}@${port}/none`,
      `postgres://postgres:${PASSWORD}@127.0.0.1:1/postgres`,
      `postgres://postgres:${PASSWORD}/${port}/postgres`,
      `postgres://postgres:${PASSWORD}@${port}/postgres?table=${PASSWORD};drop`,
      `mysql://postgres:${PASSWORD}@${port}/postgres`,
    ]) {
      for (const command of ["ls", "tail", "show", "stats", "verify"]) {
        const args = command === "show" ? ["some-id"] : [];
        const { status, stdout, stderr } = await ran([command, ...args, "--from", address]);
        expect([status, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(/^agent-keys: .+\nhint: .+\n$/);
        expect(stderr).not.toContain(PASSWORD);
      }
    }
    const fine = await ran([
      "ls",
      "--until",
      "1999-01-01",
      "--from",
      postgres.replace("@", `:${PASSWORD}@`),
    ]);
    expect(fine).toMatchObject({ status: 0, stdout: "" });
    expect(fine.stderr).toContain("postgres://postgres@127.0.0.1");
    expect(fine.stderr).not.toContain(PASSWORD);
  });

  test("what cannot be read is said", async () => {
    const missing = await ran(["ls", "--from", `sqlite:${directory}/none.db`]);
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining("ENOENT")]);
    const other = await ran(["ls", "--from", `sqlite:${file}`]);
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining("not a database")]);
    const both = await ran(["ls", "--from", sqlite, "--file", file]);
    expect([both.status, both.stderr]).toEqual([2, expect.stringContaining("is read alone")]);
    const held = await ran(["verify", sqlite, "--key", "k"]);
    expect([held.status, held.stderr]).toEqual([2, expect.stringContaining("checkpoints")]);
  });
});

/** Calls whose names are an attacker's, nested calls and a lifted revocation; returns their ids. */
function hostileCalls(path: string): readonly string[] {
  using sink = fileSink(path);
  const seal = writerNamed("hostile");
  const long = "n".repeat(700);
  const facts = [
    ...callFacts({
      keyId: "hostile-1",
      agent: HOSTILE,
      user: HOSTILE,
      tool: HOSTILE,
      callId: HOSTILE,
    }),
    ...callFacts({ keyId: "hostile-2", agent: long, user: long, tool: long, callId: long }),
    {
      type: "key.revoked",
      iss: "urn:test",
      selector: { user: HOSTILE },
      reason: HOSTILE,
      by: HOSTILE,
    },
    ...callFacts({ keyId: "outer-1", callId: "call_outer" }).slice(0, 1),
    ...callFacts({ keyId: "inner-1" }).map((fact) => ({ ...fact, parentId: "outer-1" })),
    { type: "key.revoked", iss: "urn:test", selector: { agent: "bot" }, by: "test" },
    { type: "key.restored", iss: "urn:test", selector: { agent: "bot" }, by: "test" },
    ...callFacts({ keyId: "outer-1", callId: "call_outer" }).slice(1),
  ] as const;
  sink.notices?.("");
  for (const fact of facts) {
    const { event, line } = seal(fact);
    void sink.write(event, line);
  }
  return ["hostile-1", "hostile-2", "outer-1", "inner-1", "call_outer", "w"];
}

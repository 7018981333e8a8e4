import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentKeyError, createAgentKeys } from "@agent-keys/core";
import { type AuditFact, chainVerifier } from "@agent-keys/core/audit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callFacts, writerNamed } from "../../test/sealed.ts";
import type { RecordQuery } from "../record/audit-record.ts";
import { selectLines } from "../record/select-lines.ts";
import { bound, sqliteDialect } from "./dialect.ts";
import { openSqliteRecord } from "./sqlite-record.ts";
import { sqliteSink } from "./sqlite-sink.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "agent-keys-sqlite-sink-"));
  path = join(directory, "audit.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const policy = { bot: { allow: [{ scope: "github:*" }] } };

async function linesOf(query: RecordQuery = { order: "oldest" }): Promise<string[]> {
  await using record = openSqliteRecord(path);
  const all: string[] = [];
  for await (const batch of record.lines(query)) all.push(...batch.map(({ line }) => line));
  return all;
}

function intact(lines: readonly string[]): boolean {
  const verifier = chainVerifier();
  const segment = verifier.begin("");
  for (const line of lines) segment.push(Buffer.from(`${line}\n`));
  segment.end();
  const { damageCount, events } = verifier.report();
  expect(events).toBe(lines.length);
  return damageCount === 0;
}

test("keeps each line as it was written, in a file for its owner alone", async () => {
  using sink = sqliteSink(path);
  const keys = createAgentKeys({ agent: "bot", policy, audit: sink });
  await keys.withAgentKey("github:repos.read", () => "read");
  expect(() => keys.mint("mail:send")).toThrow(AgentKeyError);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  }
  const lines = await linesOf();
  expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
    "audit.opened",
    "key.minted",
    "key.closed",
    "key.denied",
  ]);
  expect(intact(lines)).toBe(true);
  expect(await keys.logs()).toEqual(lines.map((line): unknown => JSON.parse(line)));
  expect(await keys.logs({ limit: 1 })).toEqual([JSON.parse(lines[3]!)]);
  const edited = lines.map((line) => line.replace("github:repos.read", "github:repos.list"));
  expect(intact(edited)).toBe(false);
});

test("several processes share a file, each with a chain of its own", async () => {
  const program = join(directory, "writer.ts");
  const core = import.meta.resolve("@agent-keys/core");
  const ours = new URL("sqlite-sink.ts", import.meta.url).href;
  writeFileSync(
    program,
    `import { createAgentKeys } from ${JSON.stringify(core)};
     import { sqliteSink } from ${JSON.stringify(ours)};
     const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: sqliteSink(process.argv[2]) });
     for (let n = 0; n < 50; n += 1) keys.mint("github:repos.read").close("ok");`,
  );
  const script = `for n in 1 2 3; do "$0" --conditions=@agent-keys/source "$1" "$2" & pids="$pids $!"; done; for p in $pids; do wait $p || exit 1; done`;
  const ran = spawnSync("sh", ["-c", script, process.execPath, program, path], {
    encoding: "utf8",
  });
  expect([ran.status, ran.stderr]).toEqual([0, ""]);
  const lines = await linesOf();
  expect(lines).toHaveLength(3 * 101);
  expect(intact(lines)).toBe(true);
});

test("a file that another process keeps busy stops new keys within a bound, and no longer than it is", () => {
  using sink = sqliteSink(path);
  const keys = createAgentKeys({ agent: "bot", policy, audit: sink });
  keys.mint("github:repos.read").close("ok");
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const startMs = performance.now();
  expect(() => keys.mint("github:repos.read")).toThrow(
    expect.objectContaining({ code: "audit_unavailable" } satisfies Partial<AgentKeyError>),
  );
  expect(performance.now() - startMs).toBeLessThan(5_000);
  other.exec("ROLLBACK");
  keys.mint("github:repos.read").close("ok");
});

test("a file that is deleted is noticed at the very line, which is written to the next", async () => {
  using sink = sqliteSink(path);
  const keys = createAgentKeys({ agent: "bot", policy, audit: sink });
  const key = keys.mint("github:repos.read");
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file);
  key.close("ok");
  expect(() => statSync(path)).toThrow("ENOENT");
  keys.mint("github:repos.read");
  const types = (await linesOf()).map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(["key.closed", "key.minted"]);
});

test("what is no record of ours is refused, and left as it is", async () => {
  writeFileSync(
    path,
    "not a database, and longer than any header that SQLite would look at".repeat(9),
  );
  expect(() => openSqliteRecord(path)).toThrow(/cannot be opened: file is not a database/);
  const keys = createAgentKeys({ agent: "bot", policy, audit: sqliteSink(path) });
  expect(() => keys.mint("github:repos.read")).toThrow(AgentKeyError);
  rmSync(path);
  {
    using other = new DatabaseSync(path);
    other.exec("CREATE TABLE mine (a); PRAGMA user_version = 7");
  }
  expect(() => openSqliteRecord(path)).toThrow(/no audit record of sqliteSink/);
  expect(() => keys.mint("github:repos.read")).toThrow(AgentKeyError);
  using other = new DatabaseSync(path);
  expect(other.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "mine" }]);
  expect(() => openSqliteRecord(join(directory, "none"))).toThrow(/ENOENT/);
});

test("a record that must not be read is not", () => {
  if (process.getuid?.() === 0) return;
  sqliteSink(path).notices?.("");
  chmodSync(path, 0);
  expect(() => openSqliteRecord(path)).toThrow("cannot be opened");
});

const HOSTILE = "a\0\uD800'; DROP TABLE events; --";

test("each condition of a query finds what it says", async () => {
  using sink = sqliteSink(path);
  const seal = writerNamed("w");
  const long = "t".repeat(400);
  const denied: AuditFact = {
    type: "key.denied",
    iss: "urn:test",
    agent: "bot",
    scopes: ["mail:send"],
    grants: [],
    code: "policy_denied",
  };
  const facts: readonly AuditFact[] = [
    ...callFacts({ keyId: "k1", callId: "call_aa_first" }),
    ...callFacts({
      keyId: "k2",
      tool: long,
      callId: `call_${long}`,
      user: HOSTILE,
      scope: "github:issues.write",
      outcome: "error",
    }),
    denied,
    { type: "key.revoked", iss: "urn:test", selector: { agent: "other" }, by: "test" },
  ];
  const lines = facts.map((fact) => {
    const { event, line } = seal(fact);
    void sink.write(event, line);
    return line;
  });
  const types = async (query: Partial<RecordQuery>): Promise<string[]> => {
    const lines = await linesOf({ order: "oldest", ...query });
    return lines.map((line) => (JSON.parse(line) as { type: string }).type);
  };
  const call = ["key.minted", "request.allowed", "request.completed", "key.closed"];
  expect(await linesOf()).toEqual(lines);
  expect(await types({ tools: ["read_repo"] })).toEqual(call);
  expect(await types({ tools: [long] })).toEqual(call);
  expect(await types({ users: [HOSTILE, "bob"] })).toEqual(call);
  expect(await types({ agents: ["other"] })).toEqual(["key.revoked"]);
  expect(await types({ types: ["key.denied"] })).toEqual(["key.denied"]);
  expect(await types({ outcomes: ["error"] })).toEqual(["key.closed"]);
  expect(await types({ scopes: ["github:*"] })).toEqual([...call, ...call]);
  expect(await types({ scopes: ["github:issues.*", "mail:send"] })).toEqual([
    ...call,
    "key.denied",
  ]);
  expect(await types({ scopes: ["github:issue.*"] })).toEqual([]);
  expect(await types({ idLike: "call_aa" })).toEqual(call);
  expect(await types({ idLike: "aa_first" })).toEqual(call);
  expect(await types({ idLike: `call_${long}` })).toEqual(call);
  expect(await types({ idLike: "k1" })).toEqual(call);
  expect(await types({ idLike: "9" })).toEqual(["key.denied"]);
  expect(await types({ about: ["k1", "w.9"] })).toEqual([...call, "key.denied"]);
  expect(await types({ order: "newest", types: ["key.denied", "key.revoked"] })).toEqual([
    "key.revoked",
    "key.denied",
  ]);
  const startMs = Date.UTC(2026, 0, 1);
  expect(await types({ sinceMs: startMs + 8, untilMs: startMs + 8 })).toEqual(["key.denied"]);
  expect(await types({ untilMs: 1 })).toEqual([]);
  expect(await types({ after: 9 })).toEqual(["key.revoked"]);
});

test("no search reads more of the record than it must", () => {
  sqliteSink(path).notices?.("");
  using database = new DatabaseSync(path);
  const plan = (query: Partial<RecordQuery>): string => {
    const { sql, values } = selectLines("events", { order: "newest", ...query }, sqliteDialect);
    const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values.map(bound));
    return rows.map(({ detail }) => String(detail)).join("; ");
  };
  for (const query of [
    { idLike: "abc" },
    { about: ["a", "b"] },
    { agents: ["a"] },
    { users: ["a", "b"] },
    { tools: ["a"] },
    { types: ["key.denied"] },
    { sinceMs: 5 },
  ]) {
    expect(plan(query)).not.toContain("SCAN events");
  }
  // The newest of all, of a scope or until a moment: from the end of the record, without a sort.
  expect(plan({})).toBe("SCAN events");
  expect(plan({ untilMs: 5 })).toBe("SCAN events");
});

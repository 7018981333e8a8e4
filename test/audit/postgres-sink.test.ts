import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { openPostgresRecord, postgresSchema, postgresSink } from "@agent-keys/audit/postgres";
import { createAgentKeys, type Sink } from "@agent-keys/core";
import { chainVerifier } from "@agent-keys/core/audit";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { isSaid } from "../servers/is-said.ts";
import { type PostgresServer, postgresMissing, startPostgres } from "../servers/postgres.ts";
import { linesIn } from "./lines-in.ts";

const PASSWORD = "canary-password-9fTq2Lw7";

describe.skipIf(isSaid(postgresMissing))("postgresSink", () => {
  const directory = mkdtempSync(join(tmpdir(), "agent-keys-postgres-sink-"));
  let server: PostgresServer;
  let spools = 0;
  let tables = 0;
  let table = "";
  const spool = (): string => join(directory, `spool-${(spools += 1)}`);
  const at = (url: string): string => `${url}?table=${table}`;

  beforeAll(async () => {
    chmodSync(directory, 0o755);
    const hba = join(directory, "hba.conf");
    const lines = ["postgres 127.0.0.1/32 trust", "all 127.0.0.1/32 scram-sha-256"];
    writeFileSync(hba, lines.map((line) => `host all ${line}\n`).join(""));
    server = await startPostgres([`hba_file=${hba}`]);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    table = `audit_${(tables += 1)}`;
    vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  });

  const run = async (...statements: string[]): Promise<unknown[]> => {
    const client = new Client(server.url);
    await client.connect();
    try {
      let rows: unknown[] = [];
      for (const sql of statements) rows = (await client.query(sql)).rows;
      return rows;
    } finally {
      await client.end();
    }
  };
  const keysOver = (...audit: Sink[]) =>
    createAgentKeys({ agent: "bot", policy: { bot: { allow: [{ scope: "github:*" }] } }, audit });
  const connection = () => ({ connection: server.url, table });

  /** Keeps what the sink has accepted. */
  const noting = (sink: Sink): Sink & { readonly accepted: string[] } => {
    const accepted: string[] = [];
    return {
      ...sink,
      accepted,
      write(event, line) {
        void sink.write(event, line);
        accepted.push(line);
      },
    };
  };
  const isIntact = (lines: readonly string[]): boolean => {
    const verifier = chainVerifier();
    const segment = verifier.begin("");
    for (const line of lines) segment.push(Buffer.from(`${line}\n`));
    segment.end();
    return verifier.report().damageCount === 0;
  };

  test("each line comes as it was written, with columns to find it by", async () => {
    const path = spool();
    await using sink = postgresSink({ ...connection(), spool: path });
    const kept = noting(sink);
    const keys = keysOver(kept).for({ user: "a'); DROP TABLE x; -- \u{1F511}\uFFFD" });
    await keys.withAgentKey("github:repos.read", () => "read");
    expect(() => keys.mint("mail:send")).toThrow("Policy");
    await keys.flush();
    expect(sink.waitingBytes).toBe(0);
    const lines = await linesIn(at(server.url));
    expect(lines).toEqual(kept.accepted);
    expect(isIntact(lines)).toBe(true);
    const rows = await run(
      `SELECT type, agent, user_id, scopes, seq FROM ${table} ORDER BY position`,
    );
    expect(rows[1]).toEqual({
      type: "key.minted",
      agent: "bot",
      user_id: "a'); DROP TABLE x; -- \u{1F511}\uFFFD",
      scopes: ["github:repos.read"],
      seq: "1",
    });
    expect((statSync(path).mode & 0o777).toString(8)).toBe("700");
    for (const name of readdirSync(path)) {
      expect((statSync(join(path, name)).mode & 0o777).toString(8)).toBe("600");
    }
  });

  test("no text that an event can hold is one that PostgreSQL can refuse", async () => {
    await using sink = postgresSink({ ...connection(), spool: spool() });
    const line = (seq: number, text: string): string =>
      `{"v":1,"writer":"w","seq":${seq},"time":"2026-01-01T00:00:00.000Z","id":"i","type":"key.denied","agent":${text},"tool":{"name":${text},"callId":${text}},"scopes":[${text}]}`;
    const random = Array.from({ length: 1_024 }, (_, n) =>
      String.fromCharCode(0x4e00 + ((n * 7_919) % 20_000)),
    );
    const texts = [
      String.raw`"\u0000\ud800"`,
      `"${random.join("")}"`,
      String.raw`"\\x\"{},NULL"`,
      "3",
      "null",
    ];
    texts.forEach((text, seq) => void sink.write({} as never, line(seq, text)));
    void sink.write({} as never, "no line of ours");
    await sink.flush?.();
    expect(await linesIn(at(server.url))).toEqual(
      texts.slice(0, 3).map((text, seq) => line(seq, text)),
    );
  });

  test("while PostgreSQL is away events wait, to the limit of the spool; then nothing is minted", async () => {
    await using own = await startPostgres();
    await own.crash();
    const path = spool();
    const options = {
      connection: own.url,
      table,
      spool: path,
      maxSpoolBytes: 65_536,
      flushMs: 300,
    };
    const accepted: string[] = [];
    {
      await using sink = postgresSink(options);
      const kept = noting(sink);
      const keys = keysOver(kept);
      await expect(
        keys.withAgentKey("github:repos.read", () => "ran").then(() => keys.flush()),
      ).rejects.toMatchObject({
        code: "audit_unavailable",
        cause: {
          message: expect.stringMatching(/bytes wait in the spool: .*ECONNREFUSED/) as string,
        },
      });
      let ran = 0;
      const fill = async (): Promise<never> => {
        for (;;) await keys.withAgentKey("github:repos.read", () => (ran += 1));
      };
      const refused = await fill().catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "audit_unavailable",
        cause: {
          message: expect.stringContaining("the spool is full; PostgreSQL cannot be") as string,
        },
      });
      // The last one's close is owed, and nothing runs until it is written.
      const before = ran;
      await expect(fill()).rejects.toMatchObject({ code: "audit_unavailable" });
      expect(ran).toBe(before);
      const size = readdirSync(path).reduce(
        (sum, name) => sum + statSync(join(path, name)).size,
        0,
      );
      expect(size).toBeLessThan(65_536 + 1_024);
      expect(sink.waitingBytes).toBeGreaterThan(60_000);
      accepted.push(...kept.accepted);
    }
    await own.start();
    await using again = postgresSink({ ...options, flushMs: 20_000 });
    const kept = noting(again);
    const keys = keysOver(kept);
    await keys.flush();
    await keys.withAgentKey("github:repos.read", () => "ran");
    await keys.flush();
    const lines = await linesIn(at(own.url));
    expect(lines).toEqual([...accepted, ...kept.accepted]);
    expect(isIntact(lines)).toBe(true);
  });

  test("what is sent again, since nobody knows that it was sent, is there once", async () => {
    const path = spool();
    const accepted: string[] = [];
    for (let time = 0; time < 3; time += 1) {
      await using sink = postgresSink({ ...connection(), spool: path });
      const kept = noting(sink);
      const keys = keysOver(kept);
      for (let n = 0; n < 20; n += 1) keys.mint("github:repos.read").close("ok");
      await keys.flush();
      accepted.push(...kept.accepted);
      // As when it was killed between the commit and the note of it.
      writeFileSync(join(path, "position"), "");
    }
    expect(accepted).toHaveLength(3 * 41);
    expect(await linesIn(at(server.url))).toEqual(accepted);
  });

  test("a role that may only insert and select is enough, where the table is there", async () => {
    await run(
      postgresSchema(table),
      `CREATE ROLE writer_${table} LOGIN PASSWORD '${PASSWORD}'`,
      `GRANT INSERT, SELECT ON ${table} TO writer_${table}`,
      "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    );
    const url = server.url.replace("postgres@", `writer_${table}:${PASSWORD}@`);
    await using sink = postgresSink({
      connection: url,
      table,
      createTable: false,
      spool: spool(),
      flushMs: 2_000,
    });
    const keys = keysOver(sink);
    await keys.withAgentKey("github:repos.read", () => "read");
    await keys.flush();
    expect(await linesIn(at(url))).toHaveLength(3);
    await run(`REVOKE INSERT ON ${table} FROM writer_${table}`);
    keys.mint("github:repos.read");
    await expect(keys.flush()).rejects.toMatchObject({
      cause: {
        message: expect.stringContaining(
          "it needs INSERT and SELECT on the table (42501)",
        ) as string,
      },
    });
  });

  test("no error holds the password, whatever is wrong with it", async () => {
    const warned: unknown[] = [];
    vi.spyOn(process, "emitWarning").mockImplementation(
      (...said: unknown[]) => void warned.push(said),
    );
    const port = `127.0.0.1:${server.port}`;
    const urls = [
      `postgres://postgres2:${PASSWORD}@${port}/postgres`,
      `postgres://postgres:${PASSWORD}@127.0.0.1:1/postgres`,
      `postgres://postgres:x@${PASSWORD}.invalid/postgres`,
      `postgres://postgres@${port}/${PASSWORD}`,
      `postgres://postgres@${port}/postgres?sslmode=verify-full&password=${PASSWORD}`,
    ];
    for (const url of urls) {
      await using sink = postgresSink({ connection: url, table, spool: spool(), flushMs: 1_000 });
      const keys = keysOver(sink);
      keys.mint("github:repos.read");
      const failed: unknown = await keys.flush().catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: "audit_unavailable" });
      expect(inspect(failed, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
    }
    expect(warned.length).toBeGreaterThanOrEqual(urls.length);
    expect(JSON.stringify(warned)).not.toContain(PASSWORD);
    for (const wrong of [PASSWORD, `mysql://a:${PASSWORD}@b/c`]) {
      const open = () => postgresSink({ connection: wrong, spool: spool() });
      expect(open).toThrow(new TypeError("postgresSink: connection must begin with postgres://"));
    }
    for (const wrong of [`postgres://u:${PASSWORD}/x@y/z`, `postgres://u:1#${PASSWORD}@h/d`]) {
      expect(() => openPostgresRecord(wrong)).toThrow(/^no connection string of PostgreSQL/);
    }
  });

  test("a spool is one sink's, and free again however its process ends", async () => {
    const path = spool();
    const options = { ...connection(), spool: path };
    const program = join(directory, "holder.ts");
    const ours = import.meta.resolve("@agent-keys/audit/postgres");
    writeFileSync(
      program,
      `import { postgresSink } from ${JSON.stringify(ours)};
       postgresSink(${JSON.stringify(options)});
       process.kill(process.pid, process.argv[2]);`,
    );
    {
      await using _held = postgresSink(options);
      expect(() => postgresSink(options)).toThrow("the spool is in use");
      const other = spawnSync(process.execPath, [program, "SIGKILL"], { encoding: "utf8" });
      expect([other.signal, other.stderr]).toEqual([null, expect.stringContaining("is in use")]);
    }
    const other = spawnSync(process.execPath, [program, "SIGKILL"], { encoding: "utf8" });
    expect([other.signal, other.stderr]).toEqual(["SIGKILL", ""]);
    await using _again = postgresSink(options);
  });

  test("a line that somebody put where one of ours belongs is no reason to lose ours", async () => {
    await using sink = postgresSink({ ...connection(), spool: spool(), flushMs: 2_000 });
    const kept = noting(sink);
    const keys = keysOver(kept);
    keys.mint("github:repos.read");
    await keys.flush();
    const forge = `INSERT INTO ${table} (writer, seq, time, type, id, scopes, line)
      SELECT writer, 2, time, 'key.closed', 'x', '{}', '{}' FROM ${table} WHERE seq = 1`;
    await run(forge);
    keys.mint("github:repos.read");
    await expect(keys.flush()).rejects.toMatchObject({
      cause: { message: expect.stringContaining("the table has another line") as string },
    });
    await run(`DELETE FROM ${table} WHERE id = 'x'`);
    await keys.flush();
    expect(await linesIn(at(server.url))).toEqual(kept.accepted);
  });

  test("a pool that is somebody's own is used and left open", async () => {
    const pool = new Pool({ connectionString: server.url, max: 2 });
    {
      await using sink = postgresSink({ pool, table, spool: spool() });
      const keys = keysOver(sink);
      keys.mint("github:repos.read").close("ok");
      await keys.flush();
    }
    expect((await pool.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 3 }]);
    await pool.end();
  });
});

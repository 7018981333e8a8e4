import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { debianPostgres, findProgram } from "./find-program.ts";
import { isSaid } from "./is-said.ts";
import { postgresMissing, startPostgres } from "./postgres.ts";
import { redisMissing, startRedis } from "./redis.ts";

describe.skipIf(isSaid(redisMissing))("a Redis of a test's own", () => {
  test("it keeps nothing over a crash, unless it is told to", async () => {
    await using forgetful = await startRedis();
    await using careful = await startRedis(["--appendonly", "yes", "--appendfsync", "always"]);
    for (const redis of [forgetful, careful]) {
      await redis.command("SET", "a", "1");
      expect(await redis.command("GET", "a")).toContain("$1\r\n1");
      await redis.crash();
      await expect(redis.command("GET", "a")).rejects.toThrow("ECONNREFUSED");
      await redis.start();
    }
    expect(await forgetful.command("GET", "a")).toContain("$-1");
    expect(await careful.command("GET", "a")).toContain("$1\r\n1");
  });
});

describe.skipIf(isSaid(postgresMissing))("a PostgreSQL of a test's own", () => {
  test("it keeps what was committed over a crash", async () => {
    await using server = await startPostgres();
    const psql = findProgram(["psql"], debianPostgres()) ?? "psql";
    const run = (sql: string): string =>
      execFileSync(psql, ["-X", "-A", "-t", "-c", sql, server.url], { encoding: "utf8" });
    run("create table kept (n int)");
    run("insert into kept values (7)");
    await server.crash();
    await server.start();
    expect(run("select n from kept").trim()).toBe("7");
  });
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { sqliteStore } from "@agent-keys/stores/sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runHere } from "../test/command.ts";
import { project } from "../test/project.ts";

let home: ReturnType<typeof project>;
beforeAll(() => {
  home = project();
});
afterAll(() => home[Symbol.dispose]());

let stores = 0;
let runs = 0;
/** A store of its own, an agent's process on it, and the command with a configuration that names it. */
function shared() {
  const name = `revoking-${(stores += 1)}`;
  const [database, record] = [`${name}.db`, `${name}.audit.jsonl`].map((file) =>
    join(home.path, file),
  );
  const store = sqliteStore(database ?? "");
  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: memorySink(), store });
  const runOn = (shared: string, args: readonly string[]) => {
    // Another file each time, for a module is run once in a process.
    const config = home.write(
      `${name}-${(runs += 1)}.config.mjs`,
      `import { fileSink } from "@agent-keys/core";
       import { sqliteStore } from "@agent-keys/stores/sqlite";
       const store = sqliteStore(${JSON.stringify(database)});
       export default { store: ${shared}, audit: fileSink(${JSON.stringify(record)}) };`,
    );
    return runHere([...args, "--config", config]);
  };
  const run = (...args: string[]) => runOn("store", args);
  // Somebody else is at it, such as a backup, until the command closes it.
  const runBusy = (...args: string[]) => {
    const busy = new DatabaseSync(database ?? "");
    Reflect.set(globalThis, "busy", busy);
    const close = "close: () => { busy.exec('ROLLBACK'); busy.close(); return store.close(); }";
    return runOn(`(busy.exec("BEGIN IMMEDIATE"), { ...store, ${close} })`, args);
  };
  return {
    keys,
    record: record ?? "",
    run,
    runBusy,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

test("revoked here, refused there at once, until it is restored; on the record by whom", async () => {
  await using there = shared();
  const live = there.keys.mint("a:b");
  const revoked = await there.run("revoke", "--agent", "bot", "--reason", "seen in a log");
  expect([revoked.status, revoked.stdout]).toEqual([0, "revoked agent bot, of every issuer\n"]);
  expect(() => there.keys.mint("a:b")).toThrow(expect.objectContaining({ code: "key_revoked" }));
  await expect(there.keys.verify(live.token)).rejects.toMatchObject({ code: "key_revoked" });
  const listed = await there.run("revocations");
  expect(listed.stdout).toMatch(/^\d{4}-.*Z {2}agent bot, of every issuer {2}seen in a log\n$/);
  const restored = await there.run("restore", "--agent", "bot");
  expect([restored.status, restored.stdout]).toEqual([0, "restored agent bot, of every issuer\n"]);
  await there.keys.verify(live.token);
  expect((await there.run("revocations")).stdout).toBe("");
  const events = jsonLines(
    await runHere(["ls", "--json", "--type", "key.*", "--file", there.record]),
  );
  expect(events).toMatchObject([
    { type: "key.revoked", selector: { agent: "bot" }, reason: "seen in a log" },
    { type: "key.restored", selector: { agent: "bot" } },
  ]);
  for (const event of events) {
    expect(event).toHaveProperty("by");
    expect(event).not.toHaveProperty("iss");
  }
});

test.each([
  ["--id", "KEY"],
  ["--user", "ada"],
  ["--txn", "run-1"],
  ["--scope", "a:*"],
  ["--issuer", "ISSUER"],
  ["--kid", "KID"],
  ["--all", undefined],
])("%s %s stops what it names, and nothing else", async (flag, value) => {
  await using there = shared();
  const context = { user: "ada", txn: "run-1" };
  const { id, token } = there.keys.mint("a:b", context);
  const kid = there.keys.jwks().keys[0]?.kid ?? "";
  const names: Readonly<Record<string, string>> = { KEY: id, ISSUER: there.keys.issuer, KID: kid };
  const given = value === undefined ? [] : [names[value] ?? value];
  // Of --all there is no other: with a value it is refused.
  const other = [value === "a:*" ? "b:*" : "another"];
  const another = value === undefined ? 2 : 0;
  expect((await there.run("revoke", flag, ...other)).status).toBe(another);
  await there.keys.verify(token);
  expect((await there.run("revoke", flag, ...given)).status).toBe(0);
  await expect(there.keys.verify(token)).rejects.toMatchObject({ code: "key_revoked" });
  expect((await there.run("restore", flag, ...given)).status).toBe(0);
  await there.keys.verify(token);
});

test("of one issuer, nobody else is stopped; what an issuer revoked is lifted only as its own", async () => {
  await using there = shared();
  const { issuer, keys } = { issuer: there.keys.issuer, keys: there.keys };
  await there.run("revoke", "--agent", "bot", "--of", "urn:another");
  keys.mint("a:b");
  await keys.revoke({ agent: "bot" });
  const refused = await there.run("restore", "--agent", "bot");
  expect([refused.status, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("is not revoked");
  expect((await there.run("restore", "--agent", "bot", "--of", issuer)).status).toBe(0);
  keys.mint("a:b");
});

test.each([
  [["revoke"], "takes exactly one of"],
  [["revoke", "--agent", "a", "--all"], "takes exactly one of"],
  [["revoke", "--agent", ""], '--agent cannot be ""'],
  [["revoke", "--scope", "Not a scope"], "--scope cannot be"],
  [["revoke", "bot"], 'does not take "bot"'],
  [["restore", "--agent", "nobody"], "is not revoked"],
])("%j changes nothing, and says why", async (args, why) => {
  await using there = shared();
  const { status, stdout, stderr } = await there.run(...args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(why);
  expect(existsSync(there.record)).toBe(false);
  expect((await there.run("revocations", "--json")).stdout).toBe("");
});

test("what was revoked is on the record, also when the store cannot say that it has it; what was not lifted is not", async () => {
  await using there = shared();
  await there.keys.revoke({ user: "ada" });
  const revoked = await there.runBusy("revoke", "--agent", "bot", "--reason", "lost");
  const restored = await there.runBusy("restore", "--user", "ada", "--of", there.keys.issuer);
  expect([revoked.status, restored.status]).toEqual([2, 2]);
  expect([revoked.stdout, restored.stdout]).toEqual(["", ""]);
  const standing = (await there.run("revocations")).stdout;
  expect(standing).toContain("agent bot, of every issuer  lost\n");
  expect(standing).toContain("user ada, ");
  const filter = ["--type", "key.*", "--file", there.record];
  expect(jsonLines(await runHere(["ls", "--json", ...filter]))).toMatchObject([
    { type: "key.revoked", selector: { agent: "bot" }, reason: "lost" },
  ]);
});

test("a store that nobody shares would hear of nothing: it is refused", async () => {
  for (const store of ["", "store: (await import('@agent-keys/core')).memoryStore(),"]) {
    const config = home.write("alone.config.mjs", `export default { ${store} audit: () => {} };`);
    const { status, stderr } = await runHere(["revoke", "--all", "--config", config]);
    expect(status).toBe(2);
    expect(stderr).toContain("names no store that other processes share");
  }
});

test("what others wrote into a revocation does not reach the terminal as it is", async () => {
  await using there = shared();
  await there.keys.revoke({ user: "\u001b[31mada" }, { reason: "\u001b]0;title\u0007" });
  const { stdout } = await there.run("revocations");
  expect(stdout).toContain("user \\x1b[31mada");
  expect(stdout).not.toContain("\u001b");
});

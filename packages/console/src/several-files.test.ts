import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentKeys, jsonLines, runHere, startAgentKeys } from "../test/command.ts";
import { twoRecords } from "../test/two-records.ts";
import type { Stats } from "./collect-stats.ts";
import type { Story } from "./story.ts";

let records: ReturnType<typeof twoRecords>;
beforeEach(() => {
  records = twoRecords();
});
afterEach(() => records[Symbol.dispose]());

const both = () => ["--file", records.brokerFile, "--file", records.agentFile];
const brokers = () => ["--file", records.brokerFile];
const typesOf = (stories: readonly Story[]) =>
  stories.map(({ steps }) => steps.map(({ depth, event }) => `${depth} ${event.type}`));

describe("show", () => {
  const stories = async (id: string, files = both()) =>
    jsonLines<Story>(await runHere(["show", "--json", ...files, "--", id]));
  const JOINED = ["0 key.minted", "0 request.allowed", "0 request.completed", "0 key.closed"];

  test("joins a mint and its requests by the key", async () => {
    const key = records.keys.mint("github:issues.read");
    records.send(key);
    key.close();
    const found = await stories(key.id);
    expect(typesOf(found)).toEqual([JOINED]);
    expect(found[0]?.call).toMatchObject({ outcome: "ok", keyId: key.id });
    expect(found[0]?.call.mintedAt).not.toBeNull();
  });

  test.each([-5_000, 5_000])("whatever the broker's clock says: %i ms", async (brokerIsLateMs) => {
    using other = twoRecords({ brokerIsLateMs });
    const key = other.keys.mint("github:issues.read");
    other.send(key);
    key.close();
    for (const files of [
      [other.agentFile, other.brokerFile],
      [other.brokerFile, other.agentFile],
    ]) {
      const found = await stories(
        key.id,
        files.flatMap((file) => ["--file", file]),
      );
      expect(typesOf(found).map(([first]) => first)).toEqual(["0 key.minted"]);
      expect(typesOf(found)[0]?.toSorted()).toEqual(JOINED.toSorted());
      expect(found[0]?.call.outcome).toBe("ok");
    }
  });

  test("a request without its mint stands under its key, and says so", async () => {
    const key = records.keys.mint("github:issues.read");
    records.send(key);
    records.refuse(key);
    const { status, stdout, stderr } = await runHere(["show", ...brokers(), "--", key.id]);
    expect(status).toBe(0);
    expect(stdout).toContain(`requests: 1 sent, 1 refused\n  key      ${key.id}\n  agent    bot\n`);
    expect(stdout).toMatch(/REFUSED +constraint_failed +github GET \/repos/);
    expect(stderr).toContain(`when its key was minted is not in ${records.brokerFile}`);
    expect(stderr).toContain("hint: the agent's own record has it");
    expect((await stories(key.id, brokers()))[0]?.call.mintedAt).toBeNull();
  });

  test("a route keeps its end where there is little room", async () => {
    const key = records.keys.mint("github:issues.read");
    records.send(key);
    const args = ["show", ...both(), "--", key.id];
    const { stdout } = await runHere(args, { columns: 70 });
    expect(stdout).toContain("request  allowed  github GET …/:number/comments\n");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(70);
    expect((await runHere(args)).stdout).toContain("/repos/:owner/:repo/issues/:number/comments\n");
  });

  test("what runs inside a call is found where another process wrote it", async () => {
    let [outer, inner] = ["", ""];
    using helper = twoRecords();
    await records.keys.withAgentKey("github:issues.read", async (_, key) => {
      outer = key.id;
      await helper.keys.withAgentKey("github:issues.read", (__, child) => {
        inner = child.id;
        helper.send(child);
      });
    });
    const files = [helper.brokerFile, helper.agentFile, records.agentFile];
    const found = await stories(
      outer,
      files.flatMap((file) => ["--file", file]),
    );
    expect(typesOf(found)[0]).toContain("1 request.completed");
    expect(found[0]?.steps.map(({ event }) => "keyId" in event && event.keyId)).toContain(inner);
  });

  test("a key of another issuer that took the same id has a story of its own", async () => {
    const key = records.keys.mint("github:issues.read");
    records.send(key, "urn:somebody-else");
    records.send(key);
    key.close();
    const found = await stories(key.id);
    expect(typesOf(found).toSorted((a, b) => b.length - a.length)).toEqual([
      JOINED,
      ["0 request.allowed", "0 request.completed"],
    ]);
  });
});

test("ls puts the events of all in order, and those of a file that is given twice once", async () => {
  const key = records.keys.mint("github:issues.read");
  records.send(key);
  key.close();
  const events = jsonLines<{ time: string; type: string }>(
    await runHere(["ls", "--json", ...both(), ...both()]),
  );
  expect(events.map(({ time }) => time)).toEqual(events.map(({ time }) => time).toSorted());
  expect(events.map(({ type }) => type)).toEqual([
    "audit.opened",
    "key.minted",
    "audit.opened",
    "request.allowed",
    "request.completed",
    "key.closed",
  ]);
  const newest = jsonLines<{ type: string }>(await runHere(["ls", "--json", "-n", "2", ...both()]));
  expect(newest.map(({ type }) => type)).toEqual(["request.completed", "key.closed"]);
});

test("stats counts requests beside calls, or alone", async () => {
  const key = records.keys.mint("github:issues.read");
  records.send(key);
  records.refuse(key);
  records.refuseStranger();
  key.close();
  const [all] = jsonLines<Stats>(await runHere(["stats", "--json", ...both()]));
  expect(all?.total).toMatchObject({ calls: 1, ok: 1, denied: 0 });
  expect(all?.requests.total).toMatchObject({ requests: 5, ok: 1, refused: 4, open: 0, p50Ms: 5 });
  const alone = await runHere(["stats", ...brokers()], { columns: 80 });
  expect([alone.status, alone.stderr]).toEqual([0, ""]);
  expect(alone.stdout).toMatch(/^5 requests: 1 ok, 4 refused\n.* UTC\nrefused: token_invalid 3, /);
  expect(alone.stdout).toMatch(/\nAGENT +ASKED REFUSED .*\n\(no key\) +3 +3 .*\nbot +2 +1 /);
  expect(alone.stdout).toMatch(/\ngithub GET …\/:number\/comments +2 +1 /);
});

describe("without --file", () => {
  const here = (...args: string[]) => agentKeys(args, { cwd: records.path });

  test.each<[string[], RegExp]>([
    [["ls"], /minted.*request/s],
    [["tail"], /minted.*request/s],
    [["show", "--"], /minted.*request/s],
    [["stats"], /1 call: .*1 request: /s],
    [["verify"], /5 events of 2 writers/],
  ])("%j reads the agent's record and the broker's", (args, both) => {
    const key = records.keys.mint("github:issues.read");
    records.send(key);
    const { status, stdout } = here(...args, ...(args.includes("--") ? [key.id] : []));
    expect(status).toBe(0);
    expect(stdout).toMatch(both);
  });

  test("reads the one of them that is there", () => {
    records.send(records.keys.mint("github:issues.read"));
    rmSync(records.agentFile);
    const { stdout } = here("ls");
    expect(stdout).not.toContain("minted");
    expect(stdout).toContain("request");
  });

  test("says which two are not there", () => {
    const { status, stderr } = here("ls");
    expect(status).toBe(2);
    expect(stderr).toContain("agent-keys.audit.jsonl does not exist\nhint: nor agent-keys.broker");
  });

  test("tail -f follows both, though the broker comes later, and ends when told to", async () => {
    const key = records.keys.mint("github:issues.read");
    await using command = startAgentKeys(["tail", "-f"], { cwd: records.path });
    expect(await command.line()).toContain("opened");
    expect(await command.line()).toContain("minted");
    records.send(key);
    expect(await command.line()).toContain("opened");
    expect(await command.line()).toContain("allowed");
    expect(await command.line()).toContain("200");
    key.close();
    expect(await command.line()).toContain("ok");
    command.kill("SIGTERM");
    expect((await command.ended).signal).toBe("SIGTERM");
  });
});

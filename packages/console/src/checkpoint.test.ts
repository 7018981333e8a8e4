import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TreeReport } from "@agent-keys/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { agentKeys, jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import { writeRecord } from "../test/record.ts";

const directory = temporaryDirectory();
const at = (name: string): string => join(directory.path, name);
const file = at("audit.jsonl");
const keyFile = at("audit.key");
let key = "";
let kept = "";

beforeAll(async () => {
  await writeRecord(file);
  // The very command that the help names.
  execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", keyFile]);
  const made = agentKeys(["checkpoint", "--file", file, "--key", keyFile]);
  kept = at("kept.txt");
  writeFileSync(kept, made.stdout);
  [, key = ""] = /--key (\S+)/.exec(made.stderr) ?? [];
  await writeRecord(file);
});
afterAll(() => directory[Symbol.dispose]());

test("checkpoint prints the checkpoint, and on stderr what to verify it with", () => {
  const text = readFileSync(kept, "utf8");
  expect(text).toMatch(/^agent-keys\/[0-9a-f]{16}\n18\n\S{44}\n\n— agent-keys\/\S+ \S+\n$/);
  expect(key).toMatch(/^agent-keys\/[0-9a-f]{16}\+[0-9a-f]{8}\+\S{44}$/);
  expect(readFileSync(`${file}.checkpoints`, "utf8")).toContain(text);
});

describe("verify --checkpoint", () => {
  test("of a record that only grew is as signed, by every way to name the key", async () => {
    const publicKey = at("public.pem");
    execFileSync("openssl", ["pkey", "-in", keyFile, "-pubout", "-out", publicKey]);
    writeFileSync(at("key.txt"), `${key}\n`);
    for (const given of [key, at("key.txt"), publicKey, keyFile]) {
      const args = ["verify", file, "--checkpoint", kept, "--key", given];
      const { status, stdout, stderr } = await runHere(args);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("as signed  the first 18 lines");
      expect(stdout).toContain("18 lines since are under none");
    }
    expect((await runHere(["verify", file, "--checkpoint", kept])).status).toBe(0);
    expect((await runHere(["verify", file, "--key", key])).status).toBe(0);
  });

  test("finds what chains cannot: a tail that was cut off, a writer taken out whole", async () => {
    const cut = at("cut.jsonl");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    for (const remaining of [lines.slice(0, 10), lines.slice(18)]) {
      writeFileSync(cut, `${remaining.join("\n")}\n`);
      expect((await runHere(["verify", cut])).status).toBe(0);
      const { status, stdout } = await runHere(["verify", cut, "--checkpoint", kept, "--key", key]);
      expect(status).toBe(1);
      expect(stdout).toMatch(/^DAMAGED {2}the first 0 lines/);
    }
    const ran = await runHere(["verify", cut, "--checkpoint", kept, "--json"]);
    const [{ intact, tree }] = jsonLines<{ intact: boolean; tree: TreeReport }>(ran) as [never];
    expect([intact, ran.status]).toEqual([false, 1]);
    expect(tree).toMatchObject({ lines: 18, proven: 0, findings: [{ code: "changed" }] });
  });

  test("refuses another's key: exit 1; what cannot be read: exit 2", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    writeFileSync(at("other.pem"), publicKey.export({ format: "pem", type: "spki" }));
    const other = await runHere(["verify", file, "--checkpoint", kept, "--key", at("other.pem")]);
    expect(other.status).toBe(1);
    expect(other.stdout.replaceAll(/\s+/g, " ")).toContain("not signed by the key");
    for (const args of [
      ["--checkpoint", at("missing")],
      ["--checkpoint", kept, "--key", at("missing")],
      ["--checkpoint", kept, "--key", "a+00000000+AAAA"],
      [kept, "--checkpoint", kept],
    ]) {
      const { status, stderr } = await runHere(["verify", file, ...args]);
      expect(status).toBe(2);
      expect(stderr).toContain("hint: ");
    }
  });
});

describe("prove", () => {
  const eventId = (line: number): string => {
    const text = readFileSync(file, "utf8").split("\n")[line] ?? "";
    return (JSON.parse(text) as { id: string }).id;
  };

  test("prints a proof that verify --proof takes without the record", async () => {
    const proof = at("event.tlog-proof");
    const { status, stdout } = agentKeys(["prove", eventId(2), "--file", file]);
    expect(status).toBe(0);
    writeFileSync(proof, stdout);
    for (const by of [
      ["--key", key],
      ["--checkpoint", kept],
      ["--key", keyFile],
    ]) {
      const ran = agentKeys(["verify", "--proof", proof, ...by], { cwd: "/" });
      expect([ran.status, ran.stderr]).toEqual([0, ""]);
      expect(ran.stdout).toMatch(/^holds {2}line 3 of 18 of agent-keys\/\S+\n.*get_ticket/);
    }
    const text = readFileSync(proof, "utf8");
    writeFileSync(proof, text.replace("index 2", "index 3"));
    const changed = await runHere(["verify", "--proof", proof, "--key", key, "--json"]);
    const why = "its hashes do not lead from the line to the checkpoint's root";
    expect(jsonLines(changed)).toEqual([{ holds: false, why }]);
    expect(changed.status).toBe(1);
  });

  test.each([
    [["prove"], "takes one event's id"],
    [["prove", "nobody", "--file", file], "has the id nobody"],
    [["verify", "--proof", kept || file], "needs --key or --checkpoint"],
  ])("%o: exit 2", async (args, said) => {
    const { status, stderr } = await runHere(args);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
  });

  test("what no checkpoint covers yet: exit 2, and what to do", async () => {
    const { status, stderr } = await runHere(["prove", eventId(30), "--file", file]);
    expect(status).toBe(2);
    expect(stderr).toContain("agent-keys checkpoint makes one");
  });
});

test.each([
  [["--file", file], "needs --key"],
  [["--file", file, "--key", at("missing")], "does not exist"],
  [["--file", at("missing"), "--key", keyFile], "does not exist"],
  [["--file", file, "--key", file], "PEM"],
  [["--file", file, "--key", keyFile, "--origin", "two words"], "origin"],
  [["--file", file, "--key", keyFile, "--origin", "example.com/other"], "not of example.com/other"],
])("checkpoint %o is refused: exit 2", async (args, said) => {
  const { status, stdout, stderr } = await runHere(["checkpoint", ...args]);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(said);
  expect(stderr).toContain("hint: ");
});

test("a record that was changed behind its checkpoint is not signed again", async () => {
  const changed = at("changed.jsonl");
  for (const suffix of ["", ".checkpoints", ".tree"]) copyFileSync(file + suffix, changed + suffix);
  writeFileSync(changed, readFileSync(changed).subarray(0, 2_000));
  const { status, stderr } = await runHere(["checkpoint", "--file", changed, "--key", keyFile]);
  expect(status).toBe(2);
  expect(stderr).toContain("cut off or changed");
  rmSync(changed);
});

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import type { AuditEvent } from "@agent-keys/core/audit";
import { guardTools } from "@agent-keys/core/wrap";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonLines, runHere, temporaryDirectory } from "../test/command.ts";

/** Clears the screen, sets the title, turns the text around, breaks the line; DEL, C1, separators. */
const HOSTILE = "\u001b[2J\u001b]0;pwned\u0007\u202eabc\u2066\r\n\u007f\u009b31m\u2028\u{e0041}";
const CALL = `call${HOSTILE}`;

const directory = temporaryDirectory();
const file = join(directory.path, "audit\u001b[31m\u202e.jsonl");
const junk = `${file}.junk`;

beforeAll(async () => {
  writeFileSync(junk, "junk\n");
  using sink = fileSink(file);
  const keys = createAgentKeys({ agent: `bot${HOSTILE}`, policy: "allow-all", audit: sink });
  const own = keys.for({ user: HOSTILE, txn: HOSTILE });
  const scope = { scope: "tickets:read", where: { [`id`]: HOSTILE } };
  const [guard] = guardTools<undefined>(
    [{ name: `tool${HOSTILE}`, framework: "x", scope: () => scope, parameters: undefined }],
    { keys: own },
  );
  guard?.({ input: {}, call: undefined, callId: CALL, body: () => 1 });
  await keys.revoke({ txn: HOSTILE }, { reason: HOSTILE, by: HOSTILE });
  const refused = (): unknown =>
    guard?.({ input: {}, call: undefined, callId: CALL, body: () => 1 });
  await (async () => refused())().catch(() => undefined);
  await keys.flush();
});
afterAll(() => directory[Symbol.dispose]());

const HARMLESS = /^[ -~…\n]+$/;

test("is in the record", () => {
  const events = jsonLines<AuditEvent>({
    status: 0,
    stdout: readFileSync(file, "utf8"),
    stderr: "",
  });
  expect(events.map(({ type }) => type)).toEqual([
    "audit.opened",
    "key.minted",
    "key.closed",
    "key.revoked",
    "key.denied",
  ]);
  expect(readFileSync(file, "utf8")).toContain("\u202e");
});

test.each<[string[]]>([
  [["ls"]],
  [["tail"]],
  [["show", CALL]],
  [["show", `c`]],
  [["stats"]],
  [["verify"]],
  [["ls", "--json"]],
  [["tail", "--json"]],
  [["show", CALL, "--json"]],
  [["stats", "--json"]],
  [["verify", "--json"]],
])("%j prints nothing but harmless characters", async (args) => {
  for (const columns of [80, Infinity]) {
    const { status, stdout, stderr } = await runHere([...args, "--file", file], { columns });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(HARMLESS);
  }
});

test("--json still says what the record says", async () => {
  const raw = { status: 0, stdout: readFileSync(file, "utf8"), stderr: "" };
  expect(jsonLines(await runHere(["ls", "--json", "--file", file]))).toEqual(jsonLines(raw));
});

test.each<[string[]]>([
  [[HOSTILE]],
  [[`-${HOSTILE}`]],
  [["ls", `--${HOSTILE}`]],
  [["ls", HOSTILE]],
  [["ls", "--since", HOSTILE]],
  [["ls", "--type", HOSTILE]],
  [["ls", "--agent", HOSTILE, "--file", file]],
  [["ls", "--file", `/nowhere/${HOSTILE}`]],
  [["verify", `/nowhere/${HOSTILE}`]],
  [["show", `${HOSTILE}x`, "--file", file]],
  // The hint names the file.
  [["ls", "--file", junk]],
])("a message about it is one line, and harmless: %#", async (args) => {
  const { stdout, stderr } = await runHere(args);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^agent-keys: [ -~]+\n(hint: [ -~…]+\n)?$/);
});

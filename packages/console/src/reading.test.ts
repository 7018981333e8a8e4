import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, memorySink } from "@agent-keys/core";
import { type AuditEvent, textWidth } from "@agent-keys/core/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jsonLines, runHere, temporaryDirectory } from "../test/command.ts";
import { type Recorded, writeRecord } from "../test/record.ts";
import type { Stats } from "./collect-stats.ts";
import type { Story } from "./story.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "audit.jsonl");
let recorded: Recorded;
let events: AuditEvent[];

beforeAll(async () => {
  recorded = await writeRecord(file);
  events = jsonLines({ status: 0, stdout: readFileSync(file, "utf8"), stderr: "" });
});
afterAll(() => directory[Symbol.dispose]());

const on = (command: string, ...args: string[]) => runHere([command, "--file", file, ...args]);

describe("ls", () => {
  test("lists every event, the newest last, with what show needs", async () => {
    const { status, stdout, stderr } = await on("ls");
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(events.length);
    expect(lines.map((line) => line.split(" ")[0])).toEqual(events.map(({ time }) => time));
    const keyIds = events.flatMap((event) => ("keyId" in event ? [event.keyId] : []));
    expect(keyIds.length).toBeGreaterThan(10);
    for (const keyId of keyIds) expect(stdout).toContain(keyId);
  });

  test("with --json gives the record's own lines", async () => {
    expect((await on("ls", "--json")).stdout).toBe(readFileSync(file, "utf8"));
    expect((await on("ls", "--json", "--limit", "2")).stdout).toBe(
      `${readFileSync(file, "utf8").trimEnd().split("\n").slice(-2).join("\n")}\n`,
    );
  });

  test.each<[string[], (event: AuditEvent) => boolean]>([
    [["--type", "key.denied"], ({ type }) => type === "key.denied"],
    [["--type", "key.*"], ({ type }) => type.startsWith("key.")],
    [["--type", "key.denied", "--type", "audit.opened"], ({ type }) => /denied|opened/.test(type)],
    [["--outcome", "error"], (event) => "outcome" in event && event.outcome === "error"],
    [["--user", "ada@example.com"], (event) => "user" in event && event.user !== undefined],
    [["--tool", "get_ticket"], (event) => "tool" in event && event.tool?.name === "get_ticket"],
    [["--scope", "github:*"], (event) => /"scope":"github:/.test(JSON.stringify(event))],
    [["--scope", "tickets:read"], (event) => /"scope":"tickets:read"/.test(JSON.stringify(event))],
    // A revocation of the agent is about the agent.
    [["--agent", "report-bot"], (event) => JSON.stringify(event).includes("report-bot")],
    [
      ["--agent", "report-bot", "--type", "key.denied"],
      (event) => event.type === "key.denied" && event.agent === "report-bot",
    ],
  ])("%j", async (filters, passes) => {
    const wanted = events.filter(passes);
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.length).toBeLessThan(events.length);
    expect(jsonLines(await on("ls", "--json", ...filters))).toEqual(wanted);
  });

  test("between two times", async () => {
    const middle = events[9]!.time;
    const since = jsonLines<AuditEvent>(await on("ls", "--json", "--since", middle));
    expect(since).toEqual(events.filter(({ time }) => time >= middle));
    const until = jsonLines<AuditEvent>(await on("ls", "--json", "--until", middle));
    expect(until).toEqual(events.filter(({ time }) => time <= middle));
    const nowMs = Date.parse(events.at(-1)!.time) + 3_600_000;
    const late = await runHere(["ls", "--file", file, "--since", "59m"], { nowMs });
    expect([late.stdout, late.status]).toEqual(["", 0]);
    expect(late.stderr).toContain("no event of");
    const early = await runHere(["ls", "--file", file, "--since", "61m"], { nowMs });
    expect(early.stdout.split("\n")).toHaveLength(events.length + 1);
  });

  test.each([60, 80, 120])(
    "at %i columns no line is wider, and the day is said once",
    async (columns) => {
      const { stdout } = await runHere(["ls", "--file", file], { columns, isTerminal: true });
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toHaveLength(events.length + 1);
      expect(stdout).toContain("\u001b[");
      // oxlint-disable-next-line no-control-regex
      const plain = lines.map((line) => line.replace(/\u001b\[\d+m/g, ""));
      expect(Math.max(...plain.map(textWidth))).toBeLessThanOrEqual(columns);
      expect(plain[0]).toBe(`${events[0]!.time.slice(0, 10)} UTC`);
    },
  );
});

test("what ls shows of an id, on a narrow terminal too, show finds", async () => {
  for (const columns of [80, 120, Infinity]) {
    const { stdout } = await runHere(["ls", "--file", file, "--type", "key.*"], { columns });
    const ids = stdout.split("\n").flatMap((line) => {
      const [, id] = /(?:minted|ok|ERROR|DENIED) +(\S+)/.exec(line) ?? [];
      return id === undefined || id === "-" ? [] : [id];
    });
    expect(ids.length).toBeGreaterThan(14);
    for (const id of ids) {
      expect((await runHere(["show", "--file", file, "--", id])).status).toBe(0);
    }
  }
});

test("what show prints of the id of a call inside another, show finds", async () => {
  const nested = join(directory.path, "nested");
  const sink = memorySink();
  const policy = { bot: { allow: [{ scope: "a:b" }], deny: ["c:d"] } };
  const keys = createAgentKeys({ agent: "bot", policy, audit: sink });
  const outer = keys.mint("a:b");
  for (const end of ["first", "second"]) {
    const refused = { txn: `call_inn_the_${end}` };
    expect(() => keys.for({ parent: outer }).mint("c:d", refused)).toThrow("Policy");
  }
  keys.for({ parent: outer }).mint("a:b").close("interrupted");
  outer.close();
  const lines = sink.events.map((event) => {
    if (event.type !== "key.denied") return JSON.stringify(event);
    const tool = { name: "a_tool_with_a_long_name", framework: "f", callId: event.txn };
    return JSON.stringify({ ...event, tool });
  });
  writeFileSync(nested, `${lines.join("\n")}\n`);
  for (const columns of [60, 80, 120, Infinity]) {
    const { stdout } = await runHere(["show", "--file", nested, "--", outer.id], { columns });
    const rows = stdout.split("\n").filter((line) => /^\d\d:\d\d:/.test(line));
    expect(Math.max(...rows.map(textWidth))).toBeLessThanOrEqual(columns);
    const ids = rows.slice(1, -1).map((line) => line.split(" ").at(-1)!);
    const told = await Promise.all(
      ids.map((id) => runHere(["show", "--json", "--file", nested, "--", id])),
    );
    expect(told.map((ran) => jsonLines<Story>(ran)[0]!.call.tool?.callId)).toEqual([
      "call_inn_the_first",
      "call_inn_the_second",
      undefined,
      undefined,
    ]);
  }
});

describe("tail", () => {
  test("shows the newest ten, or as many as it is told", async () => {
    expect(jsonLines(await on("tail", "--json"))).toEqual(events.slice(-10));
    expect(jsonLines(await on("tail", "--json", "-n", "3"))).toEqual(events.slice(-3));
    expect(jsonLines(await on("tail", "--json", "-n", "0"))).toEqual([]);
  });
});

describe("show", () => {
  const story = async (...args: string[]): Promise<Story> => {
    const [first] = jsonLines<Story>(await on("show", "--json", ...args));
    return first!;
  };

  test("tells a call from its minting to its end, with what ran inside it", async () => {
    const { call, steps } = await story(recorded.ids.nested);
    expect(call).toMatchObject({
      agent: "support-bot",
      user: "ada@example.com",
      txn: "chat-7",
      outcome: "ok",
      grants: [{ scope: "tickets:reply", where: { ticketId: "T-17" }, uses: 3 }],
    });
    expect(steps.map(({ depth, event }) => `${depth} ${event.type}`)).toEqual([
      "0 key.minted",
      "1 key.minted",
      "1 key.closed",
      "1 key.minted",
      "1 key.closed",
      "0 key.closed",
    ]);
    expect(steps.every(({ offsetMs }) => offsetMs >= 0)).toBe(true);
    // The line's time is when the key's life begins, however long it took to write it.
    expect(Date.parse(call.expiresAt!) - Date.parse(call.mintedAt!)).toBe(30_000);
  });

  test("finds a call by the beginning of its key's id", async () => {
    const { call } = await story(recorded.ids.read);
    expect((await story("--", call.keyId!.slice(0, 8))).call).toEqual(call);
  });

  test("tells what a refused call had asked for, and why not", async () => {
    const { call, steps } = await story("--tool", "delete_ticket", "call_");
    expect(call).toMatchObject({ outcome: "denied", code: "policy_denied", keyId: null });
    expect(call.scopes).toEqual(["tickets:delete"]);
    expect(steps).toHaveLength(1);
  });

  test("for a person", async () => {
    const { stdout } = await runHere(["show", recorded.ids.nested, "--file", file], {
      columns: 80,
    });
    expect(stdout).toContain(
      'may      tickets:reply where ticketId = "T-17" and project in "web", "app"',
    );
    expect(stdout).toMatch(/expires {2}\S+Z, 30s after it was minted/);
    expect(stdout).toMatch(/\+\S+ {4}ERROR +send_mail/);
    expect(Math.max(...stdout.split("\n").map(textWidth))).toBeLessThanOrEqual(80);
  });

  test("refuses an id that could be several, and names them", async () => {
    const { status, stdout, stderr } = await on("show", "call_");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^agent-keys: several ids begin or end with "call_"\nhint: give more of it: call_/,
    );
  });

  test("refuses an id that nothing has", async () => {
    const { status, stderr } = await on("show", "nothing-like-it");
    expect(status).toBe(2);
    expect(stderr).toContain('has an id like "nothing-like-it"\nhint: ');
  });
});

describe("stats", () => {
  test("counts calls by agent, tool and scope", async () => {
    const [stats] = jsonLines<Stats>(await on("stats", "--json"));
    expect(stats!.total).toMatchObject({ calls: 10, ok: 5, denied: 4, errors: 1, open: 0 });
    expect(stats!.agents.map(({ name, calls }) => [name, calls])).toEqual([
      ["support-bot", 7],
      ["report-bot", 3],
    ]);
    expect(stats!.tools.find(({ name }) => name === "get_ticket")).toMatchObject({
      calls: 3,
      denied: 1,
    });
    expect(stats!.tools.find(({ name }) => name === null)).toMatchObject({ calls: 1 });
    expect(stats!.codes[0]).toEqual({ code: "constraint_failed", count: 2 });
  });

  test("for a person, within the columns", async () => {
    const { stdout } = await runHere(["stats", "--file", file, "-n", "2"], { columns: 80 });
    expect(stdout).toContain("10 calls: 5 ok, 4 denied, 1 failed");
    expect(stdout).toMatch(/^support-bot +7 +2 +1 +- +[\d.]+ms +[\d.]+ms$/m);
    expect(stdout).toContain("and 5 more: --limit 7");
    expect(Math.max(...stdout.split("\n").map(textWidth))).toBeLessThanOrEqual(80);
  });
});

describe("a file with damage in it", () => {
  test.each(["ls", "tail", "stats", "show"])(
    "%s shows the rest and counts the damage",
    async (command) => {
      const damaged = join(directory.path, `damaged-${command}`);
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      const torn = lines[3]!.slice(0, 50);
      writeFileSync(
        damaged,
        `${["hello", ...lines.slice(0, -1), "{}", torn + lines.at(-1)!].join("\n")}\n`,
      );
      const args = { ls: [], tail: ["-n", "99"], stats: [], show: [recorded.ids.read] }[command]!;
      const { status, stdout, stderr } = await runHere([command, ...args, "--file", damaged]);
      expect(status).toBe(0);
      expect(stdout).not.toBe("");
      // show reads only the lines that it needs; those that could not be whole it counts.
      expect(stderr).toMatch(
        command === "show" ? /^agent-keys: \d damaged/ : /^agent-keys: 3 damaged lines were/,
      );
      expect(stderr).toContain(`hint: agent-keys verify ${damaged}`);
    },
  );

  test("a line of a newer version is not called damaged", async () => {
    const newer = join(directory.path, "newer");
    const { createHash } = await import("node:crypto");
    const body = '{"v":1,"writer":"w","seq":0,"type":"key.dreamt","prev":"0"';
    const hash = createHash("sha256").update(body).digest("hex");
    writeFileSync(newer, readFileSync(file));
    appendFileSync(newer, `${body},"hash":"${hash}"}\n`);
    const { status, stderr } = await runHere(["ls", "--file", newer]);
    expect(status).toBe(0);
    expect(stderr).toContain("1 line of an unknown kind was passed over");
  });
});

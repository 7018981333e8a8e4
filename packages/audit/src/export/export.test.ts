import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createAgentKeys, fileSink, memorySink } from "@agent-keys/core";
import { type AuditEvent, parseLine } from "@agent-keys/core/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../../test/record.ts";
import { exporter } from "./exporter.ts";
import { OCSF_VERSION, ocsfEvent } from "./ocsf.ts";

const directory = temporaryDirectory();
const path = join(directory.path, "audit.jsonl");
let events: AuditEvent[];
const base = { v: 1, writer: "w", seq: 7, time: "2026-11-24T02:00:00.123Z", id: "e1" } as const;
const seal = { prev: "0".repeat(64), hash: "f".repeat(64) } as const;
const request = {
  iss: "https://agents.example",
  agent: "repo-bot",
  user: "ada@example.com",
  txn: "run-1",
  tool: { name: "list", callId: "call_1", framework: "ai-sdk" },
  keyId: "k1",
  scopes: ["github:repos.read"],
  grants: [{ scope: "github:repos.read", where: { owner: "acme" } }],
  service: "github",
  method: "GET",
  route: "/repos/:owner",
} as const;
const made: readonly AuditEvent[] = [
  { ...base, type: "request.allowed", ...request, ...seal },
  {
    ...base,
    type: "request.completed",
    ...request,
    status: 404,
    bytes: 12,
    durationMs: 3.6,
    ...seal,
  },
  {
    ...base,
    type: "request.refused",
    ...request,
    code: "policy_denied",
    check: "policy",
    count: 3,
    ...seal,
  },
  { ...base, type: "audit.opened", pid: 1, ...seal },
  { ...base, type: "audit.repaired", atByte: 9, ...seal },
  {
    ...base,
    type: "approval.requested",
    ...request,
    by: "grace",
    ...seal,
  } as unknown as AuditEvent,
];

beforeAll(async () => {
  using sink = fileSink(path);
  const policy = { bot: { allow: [{ scope: "github:*" }], deny: ["github:repos.delete"] } };
  const keys = createAgentKeys({ agent: "bot", policy, audit: [sink, memorySink()] });
  keys.for({ user: "ada" }).mint("github:repos.read").close();
  try {
    keys.mint("github:repos.delete");
  } catch {
    // What is wanted is the line that says so.
  }
  await keys.revoke({ agent: "bot" }, { reason: "why", by: "grace" });
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  events = [...lines.flatMap((line) => parseLine(line) ?? []), ...made];
});
afterAll(() => directory[Symbol.dispose]());

const hostile = (text: string): AuditEvent => ({
  ...base,
  type: "request.allowed",
  ...request,
  agent: text,
  ...seal,
});

describe("OCSF", () => {
  // https://github.com/ocsf/ocsf-schema at 1.8.0: events/base_event.json, events/application/api_activity.json,
  // objects/{metadata,product,_entity,api,actor,network_endpoint,http_response}.json: what each requires.
  const required = {
    event: [
      "activity_id",
      "category_uid",
      "class_uid",
      "metadata",
      "severity_id",
      "time",
      "type_uid",
      "actor",
      "api",
      "src_endpoint",
    ],
    metadata: ["product", "version"],
    api: ["operation"],
    http_response: ["code"],
  };
  const oneOf = {
    actor: ["process", "user", "invoked_by", "session", "app_name", "app_uid"],
    src_endpoint: [
      "ip",
      "uid",
      "name",
      "hostname",
      "svc_name",
      "instance_uid",
      "interface_uid",
      "interface_name",
      "domain",
    ],
  };

  test("every event has what the class API Activity of 1.8.0 requires, in its types", () => {
    expect(OCSF_VERSION).toBe("1.8.0");
    expect(new Set(events.map(({ type }) => type)).size).toBeGreaterThan(8);
    for (const event of events) {
      const out = ocsfEvent(event, "1.0.0") as Record<string, Record<string, unknown>>;
      expect(Object.keys(out)).toEqual(expect.arrayContaining(required.event));
      expect(Object.keys(out["metadata"] ?? {})).toEqual(expect.arrayContaining(required.metadata));
      expect(Object.keys(out["api"] ?? {})).toEqual(expect.arrayContaining(required.api));
      expect(out).toMatchObject({
        category_uid: 6,
        class_uid: 6003,
        metadata: { version: "1.8.0" },
      });
      const {
        activity_id: activity,
        type_uid: uid,
        severity_id: severity,
        time,
      } = out as Record<string, unknown>;
      expect(uid).toBe(600_300 + Number(activity));
      expect([0, 1, 2, 3, 4, 99]).toContain(activity);
      expect([0, 1, 2, 3, 4, 5, 6, 99]).toContain(severity);
      expect(time).toBe(Date.parse(event.time));
      for (const [name, members] of Object.entries(oneOf)) {
        const has = Object.keys(out[name] ?? {});
        expect(has.filter((member) => members.includes(member))).not.toEqual([]);
      }
      const response = Object.keys(out["http_response"] ?? { code: 0 });
      expect(response).toEqual(expect.arrayContaining(required.http_response));
    }
  });

  test("a request says its method, route, status and duration, and nothing the record does not", () => {
    expect(ocsfEvent(made[1]!, "1.0.0")).toEqual({
      category_uid: 6,
      category_name: "Application Activity",
      class_uid: 6003,
      class_name: "API Activity",
      activity_id: 2,
      activity_name: "Read",
      type_uid: 600_302,
      time: 1_795_485_600_123,
      severity_id: 1,
      severity: "Informational",
      status_id: 2,
      status: "Failure",
      status_code: "404",
      duration: 4,
      metadata: {
        version: "1.8.0",
        product: { name: "Agent Keys", vendor_name: "Agent Keys", version: "1.0.0" },
        event_code: "request.completed",
        original_event_uid: "e1",
        original_time: base.time,
        correlation_uid: "run-1",
        log_name: "w",
        sequence: 7,
      },
      actor: { app_name: "repo-bot", user: { name: "ada@example.com" } },
      api: { operation: "GET /repos/:owner", service: { name: "github" } },
      src_endpoint: { svc_name: "https://agents.example" },
      http_request: { http_method: "GET" },
      http_response: { code: 404, length: 12 },
      unmapped: {
        v: 1,
        tool: request.tool,
        keyId: "k1",
        scopes: request.scopes,
        grants: request.grants,
        ...seal,
      },
    });
  });

  test("it is one line, and safe to show", () => {
    const line = exporter("ocsf", "1").line(hostile("a\u202e\u001b[31m\nb"));
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(line)).toMatchObject({ actor: { app_name: "a\u202e\u001b[31m\nb" } });
  });
});

describe("CSV", () => {
  /** RFC 4180, §2: fields in quotes or without, quotes doubled, CRLF. */
  function parse(text: string): string[][] {
    expect(text).toMatch(
      /^(?:(?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\r\n]*))*\r\n)+$/,
    );
    return text
      .split("\r\n")
      .slice(0, -1)
      .map((line) =>
        Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g), ([, quoted, bare]) =>
          quoted === undefined ? (bare ?? "") : quoted.replaceAll('""', '"'),
        ),
      );
  }
  const csv = exporter("csv", "1");

  test("every line has a cell for each column, and each column is what the event says", () => {
    const [names = [], ...rows] = parse(
      csv.header + events.map((event) => csv.line(event)).join(""),
    );
    expect(rows).toHaveLength(events.length);
    for (const row of rows) expect(row).toHaveLength(names.length);
    const cells = Object.fromEntries(names.map((name, at) => [name, rows.at(-5)?.[at]]));
    expect(cells).toMatchObject({
      time: base.time,
      type: "request.completed",
      tool: "list",
      callId: "call_1",
      scopes: "github:repos.read",
      status: "404",
      durationMs: "3.6",
      route: "/repos/:owner",
      other: '{"grants":[{"scope":"github:repos.read","where":{"owner":"acme"}}]}',
    });
  });

  test.each([
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "|x",
    "=cmd|'/c calc'!A0\"",
  ])("%j is no formula", (text) => {
    const [row = []] = parse(csv.line(hostile(text)));
    expect(row[4]).toMatch(/^['\\]/);
  });

  test("quotes, commas and line breaks stay within their cell", () => {
    const [row = [], ...more] = parse(csv.line(hostile('a"b,c\r\nd\u001b')));
    expect(more).toEqual([]);
    expect(row[4]).toMatch(/^a"b,c\P{Cc}*d\P{Cc}*$/u);
  });
});

describe("CEF", () => {
  const cef = exporter("cef", "1.0|x");
  /** Seven headers between unescaped bars, then keys and values. */
  function parse(line: string): { headers: string[]; extension: Map<string, string> } {
    const [, ...parts] =
      /^CEF:0\|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|(\d+)\|(.*)\n$/.exec(
        line,
      ) ?? [];
    const text = parts.pop() ?? "";
    const pairs = text.matchAll(/(?:^| )([A-Za-z0-9]+)=((?:\\.|[^=\\])*?)(?= [A-Za-z0-9]+=|$)/g);
    const extension = new Map(
      Array.from(pairs, ([, key = "", value = ""]) => [key, value.replaceAll(/\\(.)/g, "$1")]),
    );
    return { headers: parts, extension };
  }

  test("every event is one line of headers and extension, with keys of the dictionary", () => {
    const known = new Set(
      "rt externalId deviceExternalId sourceServiceName suser act outcome reason app requestMethod request in fileHash cs1 cs2 cs3 cs4 cs5 cs6 cs1Label cs2Label cs3Label cs4Label cs5Label cs6Label cn1 cn1Label".split(
        " ",
      ),
    );
    for (const event of events) {
      const { headers, extension } = parse(cef.line(event));
      expect(headers).toHaveLength(6);
      expect(headers[2]).toBe("1.0\\|x");
      expect(headers[3]).toBe(event.type);
      expect(Number(headers[5])).toBeLessThanOrEqual(10);
      expect([...extension.keys()].filter((key) => !known.has(key))).toEqual([]);
      expect(extension.get("rt")).toBe(String(Date.parse(event.time)));
      expect(extension.get("externalId")).toBe(event.id);
    }
    expect(parse(cef.line(made[2]!)).extension.get("reason")).toBe("policy_denied");
  });

  test.each(["a=b", "a|b", "a\\", "a\\=b cs2=forged", "a\nCEF:0|x", "a\r\nb", "x act=key.minted"])(
    "%j stays one value",
    (text) => {
      const line = cef.line(hostile(text));
      expect(line.indexOf("\n")).toBe(line.length - 1);
      const { extension } = parse(line);
      expect(extension.get("cs2")).toBe("k1");
      expect(extension.get("act")).toBe("request.allowed");
      expect(extension.get("cs1")?.startsWith(text.slice(0, 1))).toBe(true);
    },
  );

  test("what is longer than the dictionary allows is cut, and shows it", () => {
    const { extension } = parse(cef.line(hostile("x".repeat(1_024))));
    expect(extension.get("cs1")).toHaveLength(1_024);
    const long = { ...hostile("a"), id: "i".repeat(100) };
    expect(parse(cef.line(long)).extension.get("externalId")).toBe(`${"i".repeat(39)}…`);
  });
});

test.each(["constructor", "__proto__", "toString"])(
  "a method named %s is one that OCSF does not know",
  (method) => {
    const event: AuditEvent = { ...base, type: "request.allowed", ...request, method, ...seal };
    expect(ocsfEvent(event, "1.0.0")).toMatchObject({
      activity_id: 99,
      type_uid: 600_399,
      http_request: { http_method: method },
    });
  },
);

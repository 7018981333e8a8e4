import { describe, expect, test } from "vitest";
import { AgentKeyError } from "../errors.ts";
import { testKeys } from "../testing/index.ts";
import { startChain } from "./chain.ts";
import type { AuditEvent, AuditEventOf, AuditFact } from "./event.ts";
import { durationText, eventCells } from "./event-cells.ts";
import { eventText, measureEvents, wantsColor } from "./event-text.ts";
import { fit, textWidth, truncate } from "./text-width.ts";

function sealed(fact: AuditFact): AuditEvent {
  const stamp = { id: "e", time: "2026-01-01T12:34:56.789Z" };
  return startChain().seal(fact, stamp).event();
}

const call = {
  iss: "urn:example",
  agent: "support-bot",
  user: "ada",
  tool: { name: "get_ticket", callId: "call_Zx81Qm", framework: "ai-sdk" },
  scopes: ["tickets:read"],
  grants: [{ scope: "tickets:read" }],
} as const;
const keyId = "q3FzPd8s0aVb1ncXyKqR2w";
const denied = sealed({ type: "key.denied", ...call, code: "constraint_unbound" });
const closed = sealed({ type: "key.closed", ...call, keyId, outcome: "error", durationMs: 1234 });

const plain = (event: AuditEvent, columns: number): string =>
  eventText(event, { color: false, columns, widths: measureEvents([denied, closed]) });

test("a line at 80 columns: when, what, id, who, tool, what came of it, scopes", () => {
  expect(plain(closed, 80)).toBe(
    "12:34:56 ERROR  q3FzPd8s support-bot get_ticket 1.2s               tickets:read",
  );
});

test("a refused call is found by the end of its own id, and its code is whole", () => {
  expect(plain(denied, 80)).toBe(
    "12:34:56 DENIED l_Zx81Qm support-bot get_ticket constraint_unbound tickets:read",
  );
});

test("a refusal outside any tool is found by the end of its own id, which is no flag", () => {
  const fact = { type: "key.denied", ...call, tool: undefined, code: "scope_invalid" } as const;
  const stamp = { id: "q3FzPd8s0aVb.17", time: "2026-01-01T12:34:56.789Z" };
  const text = (id: string, columns: number): string =>
    eventText(
      startChain()
        .seal(fact, { ...stamp, id })
        .event(),
      { color: false, columns },
    );
  expect(text("q3FzPd8s0aVb.17", 80)).toMatch(/DENIED s0aVb\.17 +support-bot/);
  expect(text("q3FzPd8--aVb.17", 80)).toMatch(/DENIED aVb\.17 +support-bot/);
  expect(text("q3FzPd8s--Vb.17", Infinity)).toMatch(/DENIED q3FzPd8s--Vb\.17 +support-bot/);
});

test("a refusal that nobody was known for has no gap in it", () => {
  const fact = { type: "request.refused", code: "token_invalid", check: "key" } as const;
  for (const columns of [80, Infinity]) {
    const line = eventText(sealed(fact), { color: false, columns });
    expect(line.replace(/- +/, "- ")).toMatch(/^\S+ REFUSED - token_invalid$/);
    expect(line).toMatch(columns === 80 ? / - {8}token_invalid$/ : / - {22}token_invalid$/);
  }
});

test("with long names all around, the scopes keep twice as much as a name", () => {
  const agent = "customer-support-agent-eu-west";
  const tool = { ...call.tool, name: "search_repository_contents_all" };
  const scopes = ["github:repos.contents.read", "github:repos.contents.list"];
  const long = sealed({ ...(closed as AuditEventOf<"key.closed">), agent, tool, scopes });
  const lines = (events: readonly AuditEvent[]): readonly string[] => {
    const style = { color: false, columns: 80, widths: measureEvents(events) };
    return events.map((event) => eventText(event, style));
  };
  expect(lines([long])).toEqual([
    "12:34:56 ERROR  q3FzPd8s customer-su… search_repo… 1.2s github:repos.contents.r…",
  ]);
  expect(lines([closed])[0]).toContain("support-bot get_ticket 1.2s tickets:read");
});

test("a pipe gets everything, on one line", () => {
  expect(plain(denied, Infinity)).toBe(
    "2026-01-01T12:34:56.789Z DENIED call_Zx81Qm            support-bot get_ticket " +
      "constraint_unbound tickets:read  user=ada call=call_Zx81Qm",
  );
  expect(plain(closed, Infinity)).toContain(keyId);
});

test("a request that got no answer says so, and is not good", () => {
  const end = { service: "s", method: "GET", route: "/x", bytes: 0, durationMs: 1_200 };
  const lost = sealed({ type: "request.completed", ...call, keyId, ...end, status: 0 });
  expect(plain(lost, Infinity)).toContain(" no answer 1.2s ");
  expect(eventCells(lost).tone).toBe("warn");
});

const answered = { status: 200, bytes: 1, durationMs: 1 };
const upstream = { service: "s", method: "GET", route: "/x", ...answered };
const EVENTS: readonly AuditEvent[] = [
  denied,
  closed,
  sealed({ type: "key.minted", ...call, keyId, kid: "k", expiresAt: "2026-01-01T12:35:06.789Z" }),
  ...(["ok", "interrupted", "cancelled", "expired"] as const).map((outcome) =>
    sealed({ type: "key.closed", ...call, keyId, outcome, durationMs: 0.25 }),
  ),
  sealed({ type: "key.revoked", iss: "i", selector: { agent: "x".repeat(90) }, by: "ops" }),
  sealed({ type: "key.restored", iss: "i", selector: { all: true }, by: "ops", reason: "why" }),
  sealed({ type: "request.refused", code: "route_unknown", check: "route" }),
  sealed({ type: "request.completed", ...call, keyId, ...upstream }),
  sealed({ type: "audit.opened", pid: 1 }),
  sealed({ type: "audit.repaired", atByte: 1 }),
  sealed({ type: "audit.rotated", from: "y".repeat(90) }),
  sealed({ type: "approval.requested", ...call, by: "z".repeat(90) }),
];

test.each([20, 40, 60, 80, 100, 120, 200])("no line is wider than %i columns", (columns) => {
  const widths = measureEvents(EVENTS);
  for (const event of EVENTS) {
    // Below the time, the word and the id there is nothing left to cut.
    const limit = Math.max(columns, 36);
    expect(textWidth(eventText(event, { color: false, columns, widths }))).toBeLessThanOrEqual(
      limit,
    );
    expect(textWidth(eventText(event, { color: false, columns }))).toBeLessThanOrEqual(limit);
  }
});

test("the cells of different events begin in the same columns", () => {
  const widths = measureEvents(EVENTS);
  const lines = EVENTS.filter((event) => "agent" in event && event.agent === call.agent).map(
    (event) => eventText(event, { color: false, columns: 110, widths }),
  );
  expect(new Set(lines.map((line) => line.indexOf(call.agent))).size).toBe(1);
  expect(new Set(lines.map((line) => line.indexOf(call.tool.name))).size).toBe(1);
});

test("refusals that were only counted say how many they are", () => {
  const refused = (count?: number): string =>
    plain(
      sealed({
        type: "request.refused",
        code: "token_invalid",
        check: "token",
        ...(count === undefined ? {} : { count }),
      }),
      Infinity,
    );
  expect(refused(12)).toContain("token_invalid x12");
  expect([refused(), refused(1)].join()).not.toContain("x1");
});

test("one endless name does not push the others away", () => {
  const long = sealed({ type: "key.denied", ...call, agent: "a".repeat(500), code: "no_key" });
  const widths = measureEvents([long, closed]);
  expect(eventText(closed, { color: false, columns: 80, widths })).toContain("get_ticket 1.2s");
  expect(eventText(long, { color: false, columns: 80, widths })).toContain("no_key");
});

describe("colour", () => {
  const style = { color: true, columns: 80 };

  test("marks what was refused or failed, and leaves the text as it is", () => {
    for (const event of EVENTS) {
      const text = eventText(event, style);
      // oxlint-disable-next-line no-control-regex
      expect(text.replace(/\u001b\[[\d;]*m/g, "").trimEnd()).toBe(
        eventText(event, { ...style, color: false }),
      );
    }
    expect(eventText(denied, style)).toContain("\u001b[1m\u001b[31mDENIED");
    expect(eventText(denied, style)).toContain("\u001b[1m\u001b[31mconstraint_unbound");
    expect(eventText(closed, style)).toContain("\u001b[1m\u001b[31mERROR");
    expect(eventText(EVENTS[2]!, style)).not.toContain("31m");
  });

  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ TERM: "dumb" }, true, false],
  ])("is wanted as the environment says: %o on a terminal %s", (env, terminal, wanted) => {
    expect(wantsColor(env, terminal)).toBe(wanted);
  });
});

test("what a model or a server wrote cannot reach the terminal", () => {
  const keys = testKeys();
  const hostile = "\u001b]0;pwned\u0007\u202e\u009b2J\r\n";
  const scoped = keys.for({ agent: `bot${hostile}`, user: hostile, txn: hostile });
  scoped.mint("tickets:read").close();
  void keys.revoke({ agent: `bot${hostile}` }, { reason: hostile, by: hostile });
  expect(() => scoped.mint("tickets:read")).toThrow(AgentKeyError);
  expect(keys.events).toHaveLength(4);
  for (const event of keys.events) {
    for (const columns of [80, 200, Infinity]) {
      expect(eventText(event, { color: false, columns })).toMatch(/^[ -~…]+$/);
    }
  }
});

test.each([
  [0, "0ms"],
  [0.25, "0.3ms"],
  [9.96, "10ms"],
  [12, "12ms"],
  [999.6, "1s"],
  [3_140, "3.1s"],
  [10_000, "10s"],
  [59_960, "1m00s"],
  [125_000, "2m05s"],
  [3_725_000, "1h02m"],
])("%d ms reads %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

describe("the width of text", () => {
  test.each([
    ["abc", 3],
    ["世界", 4],
    ["é e\u0301", 3],
    ["👋", 2],
    ["", 0],
  ])("%s", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  test("is kept when cutting and filling", () => {
    expect(truncate("世界世界", 5)).toBe("世界…");
    expect(fit("世界世界", 6)).toBe("世界… ");
    expect(fit("ab", 4)).toBe("ab  ");
    expect([truncate("abc", 1), truncate("abc", 0)]).toEqual(["…", ""]);
  });
});

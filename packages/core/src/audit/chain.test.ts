import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { GENESIS, lineHash, startChain } from "./chain.ts";
import { auditEvent } from "./event.ts";
import { inCommon } from "./fact.ts";

const STAMP = { id: "p.1", time: "2026-01-01T00:00:00.000Z" };
const FACT = { type: "audit.opened", pid: 7 } as const;

test("a line is the event, and its hash covers the line's bytes before it", () => {
  const sealed = startChain().seal(FACT, STAMP);
  const [event, line] = [sealed.event(), sealed.line];
  expect(JSON.parse(line)).toStrictEqual(event);
  expect(JSON.stringify(event)).toBe(line);
  const body = line.slice(0, line.indexOf(',"hash":'));
  expect(event.hash).toBe(createHash("sha256").update(body).digest("hex"));
  expect(lineHash(Buffer.from(body))).toBe(event.hash);
  expect(event).toMatchObject({ v: 1, seq: 0, prev: GENESIS, ...STAMP });
  expect(auditEvent.safeParse(event).success).toBe(true);
});

test("a hash covers characters of more than a byte, and never a line break", () => {
  const fact = { type: "audit.rotated", from: "ü\n€\u2028😀" } as const;
  const { line, hash } = startChain().seal(fact, STAMP);
  expect(line).not.toContain("\n");
  expect(lineHash(Buffer.from(line.slice(0, line.lastIndexOf(',"hash":'))))).toBe(hash);
});

test("only a line that was written is built upon", () => {
  const chain = startChain();
  const first = chain.seal(FACT, STAMP);
  expect(chain.seal(FACT, STAMP).line).toBe(first.line);
  chain.advance(first);
  const second = chain.seal(FACT, STAMP);
  expect(second.event()).toMatchObject({
    seq: 1,
    prev: first.event().hash,
    writer: first.event().writer,
  });
  chain.advance(second);
  expect(chain.seal(FACT, STAMP).event()).toMatchObject({ seq: 2, prev: second.hash });
});

test("every chain has a writer of its own", () => {
  const writers = Array.from({ length: 100 }, () => startChain().seal(FACT, STAMP).event().writer);
  expect(new Set(writers).size).toBe(100);
});

test("a record that events have in common stands in a line as in an event of one piece", () => {
  const record = {
    iss: 'urn:"bot"',
    agent: "bot",
    user: "ü\n😀",
    scopes: ["a:b"],
    grants: [{ scope: "a:b", where: { owner: { in: ["acme"] } }, uses: undefined }],
    keyId: "k".repeat(22),
    service: "a",
    method: "GET",
    route: "/x/:owner",
  };
  const common = inCommon(structuredClone(record));
  const allowed = { type: "request.allowed", common, own: {} } as const;
  const end = { status: 200, bytes: 7, durationMs: 0.5 };
  const completed = { type: "request.completed", common, own: end } as const;
  const chain = startChain();
  for (const [parted, whole] of [
    [allowed, { type: "request.allowed", ...record }],
    [completed, { type: "request.completed", ...record, ...end }],
  ] as const) {
    const sealed = chain.seal(parted, STAMP);
    expect(sealed.line).toBe(chain.seal(whole, STAMP).line);
    const event = sealed.event();
    expect(JSON.stringify(event)).toBe(sealed.line);
    expect(auditEvent.safeParse(event).success).toBe(true);
    expect(Reflect.set(event, "agent", "other")).toBe(false);
    chain.advance(sealed);
  }
  const { where } = common.members.grants[0] as { where: object };
  expect(Reflect.set(where, "owner", "other")).toBe(false);
});

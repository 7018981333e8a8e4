import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { GENESIS, lineHash, startChain } from "./chain.ts";
import { auditEvent } from "./event.ts";

const STAMP = { id: "p.1", time: "2026-01-01T00:00:00.000Z" };
const FACT = { type: "audit.opened", pid: 7 } as const;

test("a line is the event, and its hash covers the line's bytes before it", () => {
  const { event, line } = startChain().seal(FACT, STAMP);
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
  const { event, line } = startChain().seal(fact, STAMP);
  expect(line).not.toContain("\n");
  expect(lineHash(Buffer.from(line.slice(0, line.lastIndexOf(',"hash":'))))).toBe(event.hash);
});

test("only a line that was written is built upon", () => {
  const chain = startChain();
  const first = chain.seal(FACT, STAMP);
  expect(chain.seal(FACT, STAMP).line).toBe(first.line);
  chain.advance(first);
  const second = chain.seal(FACT, STAMP);
  expect(second.event).toMatchObject({
    seq: 1,
    prev: first.event.hash,
    writer: first.event.writer,
  });
  chain.advance(second);
  expect(chain.seal(FACT, STAMP).event).toMatchObject({ seq: 2, prev: second.event.hash });
});

test("every chain has a writer of its own", () => {
  const writers = Array.from({ length: 100 }, () => startChain().seal(FACT, STAMP).event.writer);
  expect(new Set(writers).size).toBe(100);
});

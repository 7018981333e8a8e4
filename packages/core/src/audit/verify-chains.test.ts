import { describe, expect, test } from "vitest";
import { createAgentKeys } from "../agent-keys.ts";
import { GENESIS, lineHash, startChain } from "./chain.ts";
import type { AuditFact } from "./event.ts";
import { MAX_LINE_BYTES } from "./split-lines.ts";
import { type Segment, verifyChains } from "./verify-chains.ts";

/** The lines that a writer made of some calls, one of them refused. */
function writerLines(agent: string, calls: number): string[] {
  const lines: string[] = [];
  const keys = createAgentKeys({
    agent,
    policy: { [agent]: { allow: [{ scope: "tickets:*" }] } },
    audit: { write: (_event, line) => void lines.push(line) },
  });
  for (let call = 0; call < calls; call += 1) {
    keys.mint({ scope: "tickets:read", where: { ticketId: `T-${call} ünï` } }).close();
  }
  expect(() => keys.mint("github:repos.read")).toThrow("Policy");
  return lines;
}

function chain(...facts: AuditFact[]): string[] {
  const writer = startChain();
  return facts.map((fact, index) => {
    const sealed = writer.seal(fact, { id: `e.${index}`, time: "2026-01-01T00:00:00.000Z" });
    writer.advance(sealed);
    return sealed.line;
  });
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function segment(content: string | Uint8Array, name = "audit.jsonl", chunkBytes = 1000): Segment {
  const bytes = Buffer.from(content);
  const count = Math.ceil(bytes.length / chunkBytes);
  const chunks = Array.from({ length: count }, (_, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
  return { name, chunks };
}

function verify(content: string | Uint8Array) {
  return verifyChains([segment(content)]);
}

/** `line code` of every damage. */
function damageOf(content: string | Uint8Array): string[] {
  return verify(content).damage.map(({ line, code }) => `${line} ${code}`);
}

const a = writerLines("bot-a", 3);
const b = writerLines("bot-b", 3);
const mixed = a.flatMap((line, index) => [line, b[index]!]);

/** A line after `change`, with its hash computed again over the changed bytes. */
function recomputed(line: string, change: (line: string) => string): string {
  const body = change(line).slice(0, -75);
  return `${body},"hash":"${lineHash(body)}"}`;
}

describe("a record that nobody touched", () => {
  test("is fine, in whatever chunks it comes", () => {
    for (const chunkBytes of [1, 7, 64, 100_000]) {
      const report = verifyChains([segment(text(mixed), "audit.jsonl", chunkBytes)]);
      expect(report).toMatchObject({ events: 14, writers: 2, damageCount: 0, noteCount: 0 });
    }
  });

  test("names the head of each writer, and the times", () => {
    const { heads, from, to } = verify(text(mixed));
    const ends = [a, b].map((lines) => JSON.parse(lines.at(-1)!) as Record<string, unknown>);
    expect(heads).toEqual(ends.map(({ writer, seq, hash }) => ({ writer, seq, hash })));
    expect(from).toBe((JSON.parse(a[0]!) as { time: string }).time);
    expect(Date.parse(to!)).toBeGreaterThanOrEqual(Date.parse(from!));
  });

  test("may be empty, and may lack the last newline", () => {
    expect(verify("")).toMatchObject({ events: 0, damageCount: 0, from: undefined });
    expect(verify(text(a).slice(0, -1))).toMatchObject({ events: 7, damageCount: 0 });
  });

  test("may lie in segments, given in any order", () => {
    const segments = [segment(text(mixed.slice(0, 5))), segment(text(mixed.slice(5)))];
    expect(verifyChains(segments).damageCount).toBe(0);
    expect(verifyChains(segments.toReversed())).toMatchObject({ damageCount: 0, writers: 2 });
  });
});

describe("an edit", () => {
  test.each(["v", "writer", "seq", "time", "id", "type", "iss", "agent", "scopes", "prev", "hash"])(
    "of %s is found at its line",
    (name) => {
      const line = mixed[4]!;
      const { [name]: value } = JSON.parse(line) as Record<string, unknown>;
      const old = JSON.stringify(value);
      const other = typeof value === "number" ? String(value + 1) : flip(old);
      const edited = mixed.with(4, line.replace(`"${name}":${old}`, `"${name}":${other}`));
      expect(edited[4]).not.toBe(line);
      expect(verify(text(edited)).damage[0]).toMatchObject({ segment: "audit.jsonl", line: 5 });
    },
  );

  test("of any single byte is found", () => {
    const clean = Buffer.from(text(mixed.slice(0, 4)));
    const unseen: string[] = [];
    for (let at = 0; at < clean.length; at += 1) {
      for (const byte of [0x20, 0x0a, 0x22, 0x30, 0xff]) {
        if (clean[at] === byte) continue;
        const edited = Buffer.from(clean);
        edited[at] = byte;
        if (verify(edited).damageCount === 0) unseen.push(`byte ${at} became ${byte}`);
      }
    }
    expect(unseen).toEqual([]);
  });

  test("gives the byte at which the line begins", () => {
    const edited = text(mixed.with(4, mixed[4]!.replace("bot-a", "bot-x")));
    const [first] = verify(edited).damage;
    expect(first).toMatchObject({ line: 5, code: "changed", seq: 2 });
    expect(Buffer.from(edited).subarray(first!.byte).toString()).toMatch(
      /^\{"v":1,"writer":".{12}","seq":2/,
    );
    expect(Buffer.byteLength(text(mixed.slice(0, 4)))).toBe(first!.byte);
  });

  test("does not make the lines after it look damaged", () => {
    expect(damageOf(text(a.with(2, a[2]!.replace("bot-a", "bot-x"))))).toEqual(["3 changed"]);
    expect(damageOf(text(a.with(2, a[2]!.replace(/"seq":2/, '"seq":9'))))).toEqual(["3 changed"]);
    const otherHash = a[2]!.replace(/"hash":"[^"]*"/, `"hash":"${"0".repeat(64)}"`);
    expect(damageOf(text(a.with(2, otherHash)))).toEqual(["3 changed"]);
  });

  test("with the line's own hash computed again is found at the next line", () => {
    const edited = a.with(
      2,
      recomputed(a[2]!, (line) => line.replace("bot-a", "bot-x")),
    );
    expect(damageOf(text(edited))).toEqual(["4 prev_mismatch"]);
  });

  test("that only serialises an event again is found", () => {
    const spaced = a.with(1, a[1]!.replaceAll(/":(?=[^"])/g, '": '));
    expect(damageOf(text(spaced))).toEqual(["2 changed"]);
    const resealed = JSON.parse(a[1]!) as Record<string, unknown>;
    const { hash, ...rest } = resealed;
    expect(damageOf(text(a.with(1, JSON.stringify({ hash, ...rest }))))).toEqual(["2 rewritten"]);
    expect(damageOf(text(a.with(1, `${a[1]!}\r`)))).toEqual(["2 rewritten"]);
    expect(damageOf(text(a.with(1, a[1]!.replace("ü", "\\u00fc"))))).toEqual(["2 changed"]);
  });

  test("cannot hide behind the hash, where its bytes would not be covered", () => {
    const behind = a[1]!.replace(/\}$/, ',"agent":"somebody-else"}');
    expect(JSON.parse(behind)).toMatchObject({ agent: "somebody-else" });
    expect(damageOf(text(a.with(1, behind)))).toEqual(["2 rewritten"]);
  });

  test("to bytes that are not UTF-8 is found, though they decode alike", () => {
    const bytes = Buffer.from(text(a.with(1, a[1]!.replace("bot-a", "b@@-a"))));
    bytes.fill(0xc0, bytes.indexOf("@@"), bytes.indexOf("@@") + 2);
    expect(damageOf(bytes)).toEqual(["2 not_utf8"]);
  });

  test("to another schema version is found", () => {
    const [first] = verify(text(a.with(1, a[1]!.replace('{"v":1', '{"v":2')))).damage;
    expect(first).toMatchObject({ line: 2, code: "version_unknown" });
  });
});

describe("what was taken out, put in or moved", () => {
  test.each([
    ["a line in the middle", mixed.toSpliced(6, 1), "8 missing_before"],
    ["several lines", a.toSpliced(2, 3), "3 missing_before"],
    ["the head of a record", a.slice(2), "1 head_missing"],
    ["a line twice in a row", a.toSpliced(2, 0, a[1]!), "3 repeated"],
    ["a line again at the end", [...a, a[1]!], "8 out_of_order"],
    ["two lines swapped", a.with(2, a[3]!).with(3, a[2]!), "3 missing_before"],
    ["a line that is none", a.toSpliced(1, 0, '{"hello":"world"}'), "2 not_an_event"],
    ["a word", a.toSpliced(1, 0, "hello"), "2 not_an_event"],
    ["a line spliced in under another writer", a.with(2, spliced(b[2]!, a[2]!)), "3 changed"],
  ])("%s", (_what, lines, first) => {
    const report = verify(text(lines));
    const [found] = report.damage;
    expect(`${found?.line} ${found?.code}`).toBe(first);
  });

  test("lines of one writer between another's do not matter", () => {
    expect(verify(text([...a, ...b])).damageCount).toBe(0);
    expect(verify(text([b[0]!, ...a, ...b.slice(1)])).damageCount).toBe(0);
  });

  test("a line 0 that follows another line is not a beginning", () => {
    const forged = recomputed(a[0]!, (line) => line.replace(GENESIS, "f".repeat(64)));
    expect(damageOf(text([forged]))).toEqual(["1 prev_mismatch"]);
  });

  test("between segments", () => {
    const of = (...parts: string[][]) =>
      verifyChains(parts.map((part, index) => segment(text(part), `s${index}`))).damage.map(
        ({ segment: name, line, code }) => `${name}:${line} ${code}`,
      );
    expect(of(a.slice(0, 3), a.slice(4))).toEqual(["s1:1 missing_before"]);
    expect(of(a.slice(4), a.slice(0, 3))).toEqual(["s0:1 missing_before"]);
    expect(of(a, a)).toEqual(["s1:1 out_of_order"]);
    const edited = recomputed(a[2]!, (line) => line.replace("bot-a", "bot-x"));
    expect(of(a.slice(0, 3).with(2, edited), a.slice(3))).toEqual(["s1:1 prev_mismatch"]);
  });

  test("names the first bad line first, however late it is found", () => {
    // The torn line is only known for damage at the end, and the missing head when all were read.
    const lines = [a[1]!.slice(0, 40), ...a.slice(2), "hello"];
    const report = verify(text(lines));
    expect(report.damage.map(({ line }) => line)).toEqual([1, 2, 7]);
    expect(report.damageCount).toBe(3);
  });

  test("a thousand bad lines are counted, and a hundred named", () => {
    const junk = Array.from({ length: 3_000 }, (_, index) => `{"v":1,"writer":"${index}`);
    const report = verify(text([...junk, ...a]));
    expect(report).toMatchObject({ damageCount: 3_000, events: 7 });
    expect(report.damage.map(({ line }) => line)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
  });

  test("what a chain alone cannot find: a cut tail", () => {
    expect(verify(text(a.slice(0, 5))).damageCount).toBe(0);
  });
});

describe("torn lines", () => {
  const torn = a[3]!.slice(0, 120);

  test("that an audit.repaired accounts for are a note", () => {
    const before = `${text(a.slice(0, 3))}${torn}`;
    const next = chain(
      { type: "audit.opened", pid: 1 },
      { type: "audit.repaired", atByte: Buffer.byteLength(before) },
    );
    const report = verify(`${before}\n${text(next)}`);
    expect(report).toMatchObject({ damageCount: 0, noteCount: 1 });
    expect(report.notes[0]).toMatchObject({ line: 4, code: "torn" });
  });

  test.each([
    ["at another byte", 7, (line: string) => line],
    ["on a line that was edited", 0, (line: string) => line.replace('"e.0"', '"e.9"')],
  ])("are damage when the audit.repaired is %s", (_what, off, edit) => {
    const before = `${text(a.slice(0, 3))}${torn}`;
    const atByte = Buffer.byteLength(before) + off;
    const next = chain({ type: "audit.repaired", atByte }).map(edit);
    const report = verify(`${before}\n${text(next)}`);
    expect(report.damage[0]).toMatchObject({ line: 4, code: "torn" });
    expect(report.noteCount).toBe(0);
  });

  test("are damage without one, at the end too", () => {
    expect(damageOf(`${text(a.slice(0, 3))}${torn}\n${text(b)}`)).toEqual(["4 torn"]);
    expect(damageOf(`${text(a.slice(0, 3))}${torn}`)).toEqual(["4 torn"]);
  });

  test("do not hide the event that another writer put behind them", () => {
    const glued = `${text([...a.slice(0, 3), b[0]!])}${torn}${text(b.slice(1))}`;
    const report = verify(glued);
    expect(report.damage.map(({ line, code }) => `${line} ${code}`)).toEqual(["5 torn"]);
    expect(report).toMatchObject({ events: 10, writers: 2 });
    expect(verify(glued.replace("bot-b", "bot-x")).damageCount).toBe(2);
  });

  test("are found out when the event behind them constrains a value called v", () => {
    const lines = chain(keyDenied({ v: 1 }), keyDenied({ v: "x", writer: "y" }));
    expect(verify(text(lines)).damageCount).toBe(0);
    const report = verify(`${torn}${text(lines)}`);
    expect(report).toMatchObject({ events: 2, damageCount: 1 });
  });

  test.each([
    ["are a note where only the newline lacked, and its writer took the line back", 0, 0],
    ["are no excuse for a second line of one number elsewhere", 1, 1],
  ])("%s", (_what, off, damageCount) => {
    const writer = startChain();
    const stamp = { id: "e", time: "2026-01-01T00:00:00.000Z" };
    const first = writer.seal({ type: "audit.opened", pid: 1 }, stamp);
    writer.advance(first);
    const unended = writer.seal(keyDenied({}), stamp);
    const atByte = Buffer.byteLength(`${first.line}\n${unended.line}`) + off;
    const repaired = writer.seal({ type: "audit.repaired", atByte }, stamp);
    writer.advance(repaired);
    const last = writer.seal(keyDenied({}), stamp);
    const report = verify(text([first, unended, repaired, last].map(({ line }) => line)));
    expect(Math.min(report.damageCount, 1)).toBe(damageCount);
    expect(report.noteCount).toBe(1 - damageCount);
  });
});

describe("lines that nobody should have to read", () => {
  test("longer than the limit", () => {
    const report = verify(`${"x".repeat(5 * MAX_LINE_BYTES)}\n${text(a)}`);
    expect(report).toMatchObject({ events: 7, damageCount: 1 });
    expect(report.damage[0]).toMatchObject({ line: 1, byte: 0, code: "too_long" });
  });

  test("longer than the limit, with an event glued to its end", () => {
    const report = verify(`${text([a[0]!])}${"x".repeat(3 * MAX_LINE_BYTES)}${text(a.slice(1))}`);
    expect(report).toMatchObject({ events: 7, damageCount: 1 });
    expect(report.damage[0]).toMatchObject({ line: 2, code: "too_long" });
  });

  test.each([
    ["deep arrays", "[".repeat(500_000)],
    ["deep objects", '{"v":'.repeat(200_000)],
    ["many beginnings of a line", '{"v":1,"writer":"'.repeat(60_000)],
    ["beginnings nested in each other", '{"v":1,"writer":"x","y":'.repeat(40_000)],
    ["zero bytes", "\0".repeat(1_000_000)],
  ])("%s are damage in bounded time", (_what, line) => {
    const before = performance.now();
    const [first] = verify(`${line}\n${text(a)}`).damage;
    expect(first).toMatchObject({ line: 1 });
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test("a writer called __proto__", () => {
    const forged = recomputed(a[0]!, (line) =>
      line.replace(/"writer":"[^"]*"/, '"writer":"__proto__"'),
    );
    expect(verify(text([forged]))).toMatchObject({ damageCount: 0, writers: 1 });
  });
});

function flip(json: string): string {
  const at = json.search(/[0-9a-z]/i);
  return json.slice(0, at) + (json[at] === "0" ? "1" : "0") + json.slice(at + 1);
}

/** Line `theirs`, claiming to be written by the writer of `own`. */
function spliced(theirs: string, own: string): string {
  const { writer } = JSON.parse(own) as { writer: string };
  return theirs.replace(/"writer":"[^"]*"/, `"writer":"${writer}"`);
}

function keyDenied(where: Record<string, string | number>): AuditFact {
  return {
    type: "key.denied",
    iss: "i",
    agent: "bot",
    scopes: ["tickets:read"],
    grants: [{ scope: "tickets:read", where }],
    code: "policy_denied",
  };
}

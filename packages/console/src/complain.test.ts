import { expect, test } from "vitest";
import { complain } from "./complain.ts";
import { ConsoleError } from "./console-error.ts";
import type { Terminal } from "./terminal.ts";

function said(error: unknown): string {
  let text = "";
  const terminal: Pick<Terminal, "err"> = { err: (more) => (text += more) };
  complain(error, terminal as Terminal);
  return text;
}

const first = new ConsoleError("127.0.0.1:4949 is in use", "--port names another");
const TOLD = "agent-keys: 127.0.0.1:4949 is in use\nhint: --port names another\n";

test("what went wrong while cleaning up does not hide what went wrong", () => {
  const later = new Error("the sink cannot be flushed");
  expect(said(new SuppressedError(later, first))).toBe(TOLD);
  expect(said(new SuppressedError(later, new SuppressedError(later, first)))).toBe(TOLD);
});

test("of several errors the first is told", () => {
  expect(said(new AggregateError([first, new Error("another")]))).toBe(TOLD);
  expect(said(new SuppressedError(new Error("later"), new AggregateError([first])))).toBe(TOLD);
  expect(said(new AggregateError([], "none at all"))).toContain("agent-keys: none at all\n");
});

test("what nobody foresaw is a line and a hint too", () => {
  expect(said(new Error("two\nlines"))).toMatch(/^agent-keys: two\S+lines\nhint: [^\n]+\n$/);
  expect(said("text")).toMatch(/^agent-keys: text\nhint: [^\n]+\n$/);
});

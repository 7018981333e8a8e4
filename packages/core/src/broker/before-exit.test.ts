import { expect, test, vi } from "vitest";
import { beforeExit, notBeforeExit } from "./before-exit.ts";

const listening = (): number => process.listenerCount("beforeExit");

test("there is one listener for all that ask, and none when nobody does", () => {
  const before = listening();
  const [a, b] = [vi.fn<() => void>(), vi.fn<() => void>()];
  for (const task of [a, a, b, a]) beforeExit(task);
  expect(listening()).toBe(before + 1);
  notBeforeExit(a);
  notBeforeExit(a);
  expect(listening()).toBe(before + 1);
  notBeforeExit(b);
  expect(listening()).toBe(before);
});

test("each is called once, and may ask again", () => {
  const before = listening();
  const once = vi.fn<() => void>();
  const again = vi.fn<() => void>(() => beforeExit(again));
  beforeExit(once);
  beforeExit(again);
  process.emit("beforeExit", 0);
  expect([once.mock.calls.length, again.mock.calls.length]).toEqual([1, 1]);
  expect(listening()).toBe(before + 1);
  notBeforeExit(again);
  process.emit("beforeExit", 0);
  expect([once.mock.calls.length, again.mock.calls.length]).toEqual([1, 1]);
});

test.each([undefined, {}])("where nothing is emitted, nothing fails", (process) => {
  vi.stubGlobal("process", process);
  try {
    const task = (): void => undefined;
    expect(() => beforeExit(task)).not.toThrow();
    expect(() => notBeforeExit(task)).not.toThrow();
  } finally {
    vi.unstubAllGlobals();
  }
});

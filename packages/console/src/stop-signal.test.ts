import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stopSignal } from "./stop-signal.ts";
import { processTerminal } from "./terminal.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Who listens to a signal now and did not before. */
function newcomers() {
  const before = SIGNALS.map((name) => process.listeners(name));
  return () =>
    SIGNALS.map((name, at) => process.listeners(name).filter((one) => !before[at]?.includes(one)));
}

test("what npx hands on in the half second after a signal is the same press; then Node's own way is back", async () => {
  const listening = newcomers();
  const stopped = stopSignal(processTerminal());
  const [[onTerm], [onInt]] = listening() as [[() => void], [() => void]];
  onInt();
  await stopped;
  vi.advanceTimersByTime(499);
  expect(listening()).toEqual([[onTerm], [onInt]]);
  onInt();
  onTerm();
  vi.advanceTimersByTime(1);
  expect(listening()).toEqual([[], []]);
});

test("a terminal with a signal of its own stops at that one alone", async () => {
  const listening = newcomers();
  const abort = new AbortController();
  const stopped = stopSignal({ ...processTerminal(), signal: abort.signal });
  expect(listening()).toEqual([[], []]);
  abort.abort();
  await stopped;
  await expect(stopSignal({ ...processTerminal(), signal: abort.signal })).resolves.toBeUndefined();
});

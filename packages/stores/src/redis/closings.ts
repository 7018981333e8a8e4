import type { KeyView } from "@agent-keys/core";
import { type Line, scriptOf } from "./line.ts";
import { CLOSE } from "./lua.ts";

const CLOSING = scriptOf(CLOSE);

type ClosedKey = Parameters<KeyView["close"]>[0];

/** Tells others of closed keys, several at once, and never late enough to hold anything up. */
export interface Closings {
  add(key: ClosedKey): void;
  /** Resolves when it was tried. Never rejects. */
  flush(): Promise<void>;
  close(): void;
}

const DELAY_MS = 20;
const AT_ONCE = 500;
/** What waits for a Redis out of reach. The oldest go first: `exp` is the guarantee. */
const MOST_WAITING = 10_000;

export function openClosings(line: Line, stream: string): Closings {
  let waiting: ClosedKey[] = [];
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    while (waiting.length > 0) {
      const some = waiting.splice(0, AT_ONCE);
      const text = JSON.stringify(some.map(({ iss, id, expiresAtMs }) => [iss, id, expiresAtMs]));
      try {
        await line.run(CLOSING, [stream], [text]);
      } catch {
        waiting = [...some, ...waiting].slice(-MOST_WAITING);
        later(DELAY_MS * 10);
        return;
      }
    }
  };
  const later = (ms: number): void => {
    if (!over) timer ??= setTimeout(() => void flush(), ms).unref();
  };

  return {
    add(key) {
      waiting.push(key);
      if (waiting.length > MOST_WAITING) waiting.shift();
      later(DELAY_MS);
    },
    flush,
    close() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** @throws Error when somebody else wrote it. */
export function readClosings(text: string): readonly ClosedKey[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new Error("closed keys that cannot be read");
  return list.map((one: unknown) => {
    const [iss, id, expiresAtMs] = Array.isArray(one) ? (one as readonly unknown[]) : [];
    if (typeof iss === "string" && typeof id === "string" && typeof expiresAtMs === "number") {
      return { iss, id, expiresAtMs };
    }
    throw new Error("a closed key that cannot be read");
  });
}

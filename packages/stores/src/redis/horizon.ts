import { randomBytes } from "node:crypto";

/** What a process has seen of the server, so that one that has forgotten it is found out. */
export interface Horizon {
  /** The last epoch, or nothing. */
  readonly epoch: string;
  /** What every script begins with. @param name - What is new is called this. */
  head(name?: string): readonly string[];
  /** The server's time in so long, by what it said last: rather too early. In milliseconds. */
  timeIn(ms: number): number;
  /** A name that nobody else gives. */
  name(): string;
  /**
   * Takes note of an answer.
   *
   * @throws Error when it is none of our scripts'.
   */
  note(answer: unknown): Answer;
}

/** What every script answers: a word, the server's time, its epoch, and what else there is. */
export interface Answer {
  readonly word: string;
  readonly epoch: string;
  readonly rest: readonly unknown[];
}

export function openHorizon(): Horizon {
  const process = randomBytes(9).toString("base64url");
  let names = 0;
  let latestMs = 0;
  let epoch = "";
  let heard = { nowMs: 0, atMs: 0 };
  const name = (): string => {
    names += 1;
    return `${process}.${names.toString(36)}`;
  };
  return {
    get epoch() {
      return epoch;
    },
    name,
    timeIn: (ms) => Math.floor(heard.nowMs + performance.now() - heard.atMs + ms),
    head: (as = name()) => [epoch, `${latestMs}`, as],
    note(answer) {
      const list: readonly unknown[] = Array.isArray(answer) ? answer : [];
      const [word, nowMs, seen, ...rest] = list;
      if (typeof word !== "string" || typeof nowMs !== "number" || typeof seen !== "string") {
        throw new Error("an answer that is none of ours");
      }
      latestMs = Math.max(latestMs, nowMs);
      epoch = seen;
      heard = { nowMs, atMs: performance.now() };
      return { word, epoch: seen, rest };
    },
  };
}

/** Calls under a key whose bodies say what they saw, and what became of the key. */
import { currentKey } from "../src/context.ts";
import type { AgentKey } from "../src/agent-key.ts";
import { internalsOf } from "../src/internals.ts";
import { type TestKeys, testKeys } from "../src/testing/index.ts";

export function setUp(expiresIn = 10): { keys: TestKeys; key: AgentKey } {
  const keys = testKeys();
  return { keys, key: internalsOf(keys).mint(() => "t:run", { expiresIn }) };
}

export function outcomes({ events }: TestKeys): readonly string[] {
  return events.flatMap((event) => (event.type === "key.closed" ? [event.outcome] : []));
}

export interface Trace {
  readonly look: () => void;
}

/** What the body saw at each of its steps. */
export function traced(): Trace & { readonly seen: (string | undefined)[] } {
  const seen: (string | undefined)[] = [];
  return { seen, look: () => void seen.push(currentKey()?.id) };
}

export function counting(trace: Trace): () => AsyncGenerator<number> {
  return async function* () {
    for (const value of [1, 2, 3]) {
      trace.look();
      yield value;
    }
    trace.look();
  };
}

export async function collect<T>(steps: AsyncIterable<T>): Promise<readonly T[]> {
  const values: T[] = [];
  for await (const value of steps) values.push(value);
  return values;
}

export function rethrow(error: unknown): never {
  throw error as Error;
}

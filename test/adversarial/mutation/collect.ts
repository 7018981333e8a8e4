import { mock } from "node:test";
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from "@vitest/expect";
import { fn, spyOn } from "@vitest/spy";

/**
 * What unit tests import from `vitest` when they run against a mutant: Vitest's own `expect`, and of
 * the rest as much as the tests of the decision code use. Vitest itself needs a second a file to start.
 */
type Body = (...values: unknown[]) => unknown;

interface Suite {
  readonly beforeEach: Body[];
  readonly afterEach: Body[];
  readonly afterAll: Body[];
}

interface Test {
  readonly name: string;
  readonly suites: readonly Suite[];
  readonly run: () => unknown;
}

let tests: Test[] = [];
let suites: readonly Suite[] = [];
let opened: Suite[] = [];

function open(): Suite {
  const suite: Suite = { beforeEach: [], afterEach: [], afterAll: [] };
  opened.push(suite);
  return suite;
}

function enter(_name: string, define: () => unknown): void {
  const outer = suites;
  suites = [...outer, open()];
  define();
  suites = outer;
}

function add(name: string, body: Body, ...values: readonly unknown[]): void {
  tests.push({ name, suites, run: () => body(...values) });
}

type Each = (table: readonly unknown[]) => (name: string, body: Body) => void;

/** Where all rows are lists, a row is the arguments; otherwise it is the only one. */
function each(register: (name: string, body: () => unknown) => void): Each {
  return (table) => (name, body) => {
    const lists = table.every((row) => Array.isArray(row));
    for (const row of table) {
      const values = lists ? (row as readonly unknown[]) : [row];
      register(name, () => body(...values));
    }
  };
}

export const describe: typeof enter & { each: Each } = Object.assign(enter, { each: each(enter) });
export const test: typeof add & { each: Each } = Object.assign(add, { each: each(add) });
export const beforeEach = (body: Body): void => void suites.at(-1)?.beforeEach.push(body);
export const afterEach = (body: Body): void => void suites.at(-1)?.afterEach.push(body);
export const afterAll = (body: Body): void => void suites.at(-1)?.afterAll.push(body);
export const vi: object = {
  fn,
  spyOn,
  useFakeTimers: ({ toFake }: { toFake: ["Date"] }) =>
    mock.timers.enable({ apis: toFake, now: Date.now() }),
  setSystemTime: (ms: number) => mock.timers.setTime(ms),
  useRealTimers: () => mock.timers.reset(),
};

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
export const expect: typeof chai.expect = chai.expect;
setState({ assertionCalls: 0, isExpectingAssertions: false }, chai.expect as never);

/** How the tests of some files went, up to the first that failed. */
export interface Outcome {
  /** How long each took that ran, in milliseconds. */
  readonly tookMs: Readonly<Record<string, number>>;
  /** The one that failed, or the file that could not be loaded. */
  readonly failed: string | undefined;
}

/**
 * Loads test files, and runs what they define until something fails.
 *
 * @param expectedMs - How long tests are expected to take: the shortest run first.
 */
export async function runTests(
  files: readonly string[],
  load: (file: string) => Promise<unknown>,
  expectedMs: Readonly<Record<string, number>> = {},
): Promise<Outcome> {
  [tests, opened, suites] = [[], [], []];
  const tookMs: Record<string, number> = {};
  try {
    for (const file of files) {
      const top = open();
      suites = [top];
      await load(file);
    }
  } catch (error) {
    return { tookMs, failed: `not loaded: ${String(error)}` };
  }
  const expected = ({ name }: Test): number => expectedMs[name] ?? 0;
  for (const one of tests.toSorted((a, b) => expected(a) - expected(b))) {
    const startedMs = performance.now();
    const failed = await failure(one);
    tookMs[one.name] = (tookMs[one.name] ?? 0) + performance.now() - startedMs;
    if (failed !== undefined) return { tookMs, failed: `${one.name}: ${failed}` };
  }
  for (const suite of opened) for (const body of suite.afterAll) await body();
  return { tookMs, failed: undefined };
}

async function failure({ suites: around, run }: Test): Promise<string | undefined> {
  try {
    for (const suite of around) for (const body of suite.beforeEach) await body();
    try {
      await run();
    } finally {
      for (const suite of around) for (const body of suite.afterEach) await body();
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}

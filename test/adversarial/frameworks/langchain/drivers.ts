import type { LangChain } from "./versions.ts";

/** Anything of LangChain that runs. */
export interface Runnable {
  readonly name?: string;
  invoke(input: unknown, config?: object): Promise<unknown>;
  batch(inputs: readonly unknown[], config?: object, options?: object): Promise<unknown[]>;
  stream(input: unknown, config?: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: object): AsyncIterable<unknown>;
  streamLog(input: unknown, config: object): AsyncIterable<unknown>;
  transform(inputs: AsyncIterable<unknown>, config: object): AsyncIterable<unknown>;
  withRetry(options: object): Runnable;
  withFallbacks(fallbacks: readonly Runnable[]): Runnable;
  withConfig(config: object): Runnable;
  withListeners(listeners: object): Runnable;
  pipe(next: (output: unknown) => unknown): Runnable;
  /** What tools alone have. */
  call(input: unknown, config: object): Promise<unknown>;
}

export type Calls = readonly {
  readonly name: string;
  readonly id: string;
  readonly args: object;
}[];

/** What a driver runs. */
export interface Set {
  readonly lang: LangChain;
  readonly tools: readonly object[];
  /** The model's address. */
  readonly url: string;
  /** The tool calls of each turn, for what has no model. */
  readonly turns: readonly Calls[];
  /** Of `createAgent` and `createReactAgent`. */
  readonly settings: object;
  /** What an agent is asked, beside the messages. */
  readonly state: object;
  readonly config: object;
  /** What an agent is resumed with, one after the other. */
  readonly resume: readonly unknown[];
}

/** What runs the tools, and how. */
export interface Driver {
  readonly name: string;
  readonly run: (set: Set) => Promise<unknown>;
  /** It makes each call that many times. */
  readonly times?: number;
  /** It gives the input alone, without the call's id. */
  readonly anonymous?: boolean;
  /** There is much to it: tools that are wrapped without a key are left to the others. */
  readonly long?: boolean;
}

/** What comes of it, or how it fails. */
export async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return { rejected: error };
  }
}

/** Everything that comes out of a stream, and how it broke off. */
export async function collect(steps: AsyncIterable<unknown>): Promise<unknown[]> {
  const parts: unknown[] = [];
  try {
    for await (const part of steps) parts.push(part);
  } catch (error) {
    parts.push({ broke: error });
  }
  return parts;
}

import { once } from "node:events";
import { setImmediate as immediate, setTimeout as timeout } from "node:timers/promises";
import type { Kind } from "./plan.ts";
import type { Sight, Witness } from "./witness.ts";

export interface Input {
  readonly call: string;
  readonly steps: number;
  readonly brief: boolean;
}

export type Body = (input: Input, signal: AbortSignal | undefined) => unknown;

/** What bodies tell and ask of the load that they are part of. */
export interface Around {
  readonly witness: Witness;
  /** Counts a body as running until what it returns is called. */
  readonly enter: (callId: string) => () => void;
  /** Runs the agent that is inside this call. */
  readonly nest: (callId: string) => Promise<void>;
  /** Whether the key verifies, in full. */
  readonly verify: (sight: Sight, callId: string) => Promise<void>;
  /** Tells of a body that waited in vain. */
  readonly stuck: (problem: string) => void;
}

/** How long anything of the load waits for what must come. */
export const PATIENCE_MS = 120_000;

/** Different ways to let everybody else go first. */
async function pause(step: number): Promise<void> {
  if (step % 4 === 0) await Promise.resolve();
  else if (step % 4 === 1) await immediate();
  else if (step % 4 === 2) await timeout(1);
  else {
    await new Promise<void>((resolve) => {
      process.nextTick(() => queueMicrotask(resolve));
    });
  }
}

/** Waits for the abort, but not for good: a signal that never comes is a failure, not a hang. */
async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) throw new Error("there is no signal to wait for");
  if (!signal.aborted) await once(signal, "abort", { signal: AbortSignal.timeout(PATIENCE_MS) });
}

/** One body a kind. Whichever steps a body takes, it looks at its key in each. */
export function bodiesOf({
  witness,
  enter,
  nest,
  verify,
  stuck,
}: Around): Readonly<Record<Kind, Body>> {
  const promise: Body = async ({ call, steps, brief }) => {
    const leave = enter(call);
    try {
      const sight = witness.see(call);
      for (let step = 0; step < steps; step += 1) {
        await pause(step);
        sight.again();
      }
      if (steps === 3 && !brief) await verify(sight, call);
      sight.again();
      return `${call} is done`;
    } finally {
      leave();
    }
  };
  async function* streams({ call, steps }: Input): AsyncGenerator<string> {
    const leave = enter(call);
    const sight = witness.see(call);
    try {
      for (let step = 0; step < steps + 1; step += 1) {
        yield `${call} ${step}`;
        sight.again();
        await pause(step);
        sight.again();
      }
    } finally {
      // Also what a generator does last, when it is told to return, sees its own key.
      sight.again();
      leave();
    }
  }
  const atOnce = (call: string): string => {
    const leave = enter(call);
    witness.see(call).again();
    leave();
    return `${call} is done`;
  };
  return {
    promise,
    streams,
    returnsEarly: streams,
    abandoned: streams,
    value: ({ call }) => atOnce(call),
    // Policy refuses it, so it is never entered; were it, the load would say so.
    denied: ({ call }) => atOnce(call),
    throws({ call }) {
      throw new Error(atOnce(call));
    },
    async rejects(input, signal) {
      throw new Error(String(await promise(input, signal)));
    },
    async *streamThrows(input) {
      yield* streams(input);
      throw new Error(`${input.call} broke`);
    },
    async closesItself({ call, steps }) {
      const leave = enter(call);
      const sight = witness.see(call);
      await pause(steps);
      sight.key?.close();
      sight.again();
      await pause(steps + 1);
      sight.key?.close("error");
      sight.again();
      leave();
      return `${call} is done`;
    },
    async nests({ call, steps }) {
      const leave = enter(call);
      const sight = witness.see(call);
      try {
        await pause(steps);
        await nest(call);
        sight.again();
        await pause(steps + 1);
        sight.again();
        return `${call} is done`;
      } finally {
        leave();
      }
    },
    async keyless({ call, steps }) {
      const leave = enter(call);
      const look = witness.seeNothing(call);
      for (let step = 0; step < steps; step += 1) {
        await pause(step);
        look();
      }
      leave();
      return `${call} is done`;
    },
    async waits({ call, steps }, signal) {
      const leave = enter(call);
      const sight = witness.see(call);
      try {
        await aborted(signal);
        // Half of them do not care and go on.
        for (let step = 0; step < steps; step += 1) {
          sight.again();
          await pause(step);
        }
        if (steps % 2 === 0) signal?.throwIfAborted();
        return `${call} is late`;
      } catch (error) {
        if (signal?.aborted !== true) stuck(`${call} was never told to stop`);
        throw error;
      } finally {
        leave();
      }
    },
  };
}

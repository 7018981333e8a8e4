import type { Readable, Writable } from "node:stream";

/** A request as the engine takes it, from a socket or from `fetch` in this process. */
export interface Incoming {
  readonly method: string;
  /** The name in front of the path. */
  readonly service: string;
  /** Behind `/<service>`, not decoded. */
  readonly path: string;
  /** Behind the `?`, not decoded; empty when there is none. */
  readonly query: string;
  /** Lower-case names, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** `undefined`: there is none. */
  readonly body: Readable | undefined;
  /** As the sender states it; `undefined` when it does not, or when there is no body. */
  readonly bodyBytes: number | undefined;
}

/** Where an answer goes: a `ServerResponse`, or what stands for one in this process. */
export type Outgoing = Writable & {
  readonly headersSent: boolean;
  /** @param headers - Names and values, one after the other. */
  writeHead(status: number, headers: string[]): unknown;
  /** Sends the head without waiting for the body. Absent where `writeHead` does. */
  flushHeaders?(): void;
};

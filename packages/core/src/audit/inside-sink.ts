import { AsyncLocalStorage } from "node:async_hooks";

const writing = new AsyncLocalStorage<true>();

/** Runs a sink's write so that what it does, also later, is known to come from a sink. */
export function insideSink<T>(write: () => T): T {
  return writing.run(true, write);
}

/** Whether this code was started by a sink: a key minted here would be the next event to write. */
export function isInsideSink(): boolean {
  return writing.getStore() === true;
}

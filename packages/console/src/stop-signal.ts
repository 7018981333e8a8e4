import { once } from "node:events";
import type { Terminal } from "./terminal.ts";

/** One Ctrl-C under npx comes twice: from the terminal, and handed on by npx. */
const ONE_PRESS_MS = 500;

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Resolves when what goes on for ever is to end: at the terminal's own signal, where it has one, and
 * else at the first SIGTERM or SIGINT. A later one then has its usual effect, and ends the process at
 * once.
 */
export async function stopSignal({ signal }: Terminal): Promise<void> {
  if (signal !== undefined) {
    if (!signal.aborted) await once(signal, "abort");
    return;
  }
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      resolve();
      setTimeout(() => {
        for (const name of SIGNALS) process.off(name, stop);
      }, ONE_PRESS_MS).unref();
    };
    for (const name of SIGNALS) process.on(name, stop);
  });
}

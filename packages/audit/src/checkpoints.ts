import type { Sink } from "@agent-keys/core";
import type { SignedCheckpoint } from "./note/checkpoint.ts";
import { type CheckpointOptions, openCheckpointer } from "./tree/checkpoint-record.ts";

/** When checkpoints are made, and of which record. */
export interface CheckpointsOptions extends CheckpointOptions {
  /** The path of the record: what `fileSink` was given. */
  readonly path: string;
  /** After so many events of this process. Default 1,000. */
  readonly everyEvents?: number | undefined;
  /** After so many seconds, where anything is new, whoever wrote it. Default 60. */
  readonly everySeconds?: number | undefined;
  /** Told each new checkpoint: send it to where the record's writers cannot change it. */
  readonly onCheckpoint?: ((checkpoint: SignedCheckpoint) => void) | undefined;
  /** Told what went wrong; the audit goes on. Default: a process warning, once for each message. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * A sink that writes nothing: it signs checkpoints of a record that `fileSink` writes, while its
 * process runs. It goes behind the file's sink in `audit: [...]`, and never stops anything.
 *
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { checkpoints } from "@agent-keys/audit";
 * import { createAgentKeys, fileSink } from "@agent-keys/core";
 *
 * const path = "./agent-keys.audit.jsonl";
 * const key = readFileSync("./audit.key", "utf8");
 * createAgentKeys({
 *   agent: "repo-bot",
 *   policy: "allow-all",
 *   audit: [fileSink(path), checkpoints({ path, key, origin: "example.com/audit" })],
 * });
 * ```
 *
 * @throws TypeError when an option is wrong.
 */
export function checkpoints(options: CheckpointsOptions): Sink & AsyncDisposable {
  const { path, everyEvents = 1_000, everySeconds = 60, onCheckpoint } = options;
  requirePositive(everyEvents, "everyEvents");
  requirePositive(everySeconds, "everySeconds");
  if (typeof path !== "string" || path === "") throw new TypeError("checkpoints: path is missing");
  const checkpointer = openCheckpointer(path, options);
  const warned = new Set<string>();
  const { onError = warnOnce(warned) } = options;
  let waiting = 0;
  let newest = -1;
  let running: Promise<void> | undefined;
  let again = false;

  const make = async (): Promise<void> => {
    waiting = 0;
    try {
      const made = await checkpointer.checkpoint();
      if (made === undefined || made.size === newest) return;
      newest = made.size;
      onCheckpoint?.(made);
    } catch (error) {
      onError(error);
    }
  };
  /** One at a time. Who comes while one is made is told of the next, which has what came meanwhile. */
  const soon = (): Promise<void> => {
    again = running !== undefined;
    running ??= (async () => {
      do {
        again = false;
        await make();
      } while (isWanted());
      running = undefined;
    })();
    return running;
  };
  const isWanted = (): boolean => again;
  const timer = setInterval(() => void soon(), everySeconds * 1_000);
  // Nothing is lost with it: the next process signs what this one did not.
  timer.unref();

  return {
    optional: true,
    write() {
      waiting += 1;
      if (waiting >= everyEvents) void soon();
    },
    flush: () => soon(),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await soon();
      checkpointer[Symbol.dispose]();
    },
  };
}

function requirePositive(value: number, name: string): void {
  if (typeof value === "number" && value > 0 && value <= 2_000_000) return;
  throw new TypeError(`checkpoints: ${name} must be a number above 0`);
}

function warnOnce(warned: Set<string>): (error: unknown) => void {
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (warned.has(message)) return;
    warned.add(message);
    process.emitWarning(`no checkpoint of the audit: ${message}`);
  };
}

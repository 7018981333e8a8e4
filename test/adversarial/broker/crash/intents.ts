import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { parseLine } from "@agent-keys/core/audit";

/** The announcements that stand in an audit file right now. */
export interface Intents {
  /** How many `request.allowed` there are for a key, at this moment. */
  of(keyId: string): number;
  close(): void;
}

/** Follows an audit file: each look reads what came since the last one. */
export function followIntents(path: string): Intents {
  const counts = new Map<string, number>();
  const buffer = Buffer.alloc(1 << 16);
  const decoder = new StringDecoder("utf8");
  let fd: number | undefined;
  let rest = "";

  const read = (): void => {
    fd ??= openSync(path, "r");
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      if (length === 0) return;
      const lines = (rest + decoder.write(buffer.subarray(0, length))).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = parseLine(line);
        if (event?.type !== "request.allowed" || event.keyId === undefined) continue;
        counts.set(event.keyId, (counts.get(event.keyId) ?? 0) + 1);
      }
    }
  };

  return {
    of(keyId) {
      read();
      return counts.get(keyId) ?? 0;
    },
    close: () => fd !== undefined && closeSync(fd),
  };
}

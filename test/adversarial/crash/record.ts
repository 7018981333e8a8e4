import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AuditEvent, type ChainReport, parseLine, segmentsOf } from "@agent-keys/core/audit";

const COMMAND = fileURLToPath(
  new URL("../../../packages/console/bin/agent-keys.js", import.meta.url),
);

/** Every event of a file and of its full segments. */
export function recordOf(path: string): readonly AuditEvent[] {
  return [...segmentsOf(path), path]
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .flatMap((line) => parseLine(line) ?? []);
}

/** What `agent-keys verify` says of a file and its segments, and its exit code. */
export function verified(path: string): { readonly status: number; readonly report: ChainReport } {
  const run = (): { status: number; stdout: string } => {
    try {
      const args = [COMMAND, "verify", "--json", path];
      return { status: 0, stdout: execFileSync(process.execPath, args, { encoding: "utf8" }) };
    } catch (error) {
      return error as { status: number; stdout: string };
    }
  };
  const { status, stdout } = run();
  return { status, report: JSON.parse(stdout) as ChainReport };
}

/** The ids of the keys in events of one type. */
export function idsIn(events: readonly AuditEvent[], type: "key.minted" | "key.closed"): string[] {
  return events.flatMap((event) =>
    event.type === type && "keyId" in event ? (event.keyId ?? []) : [],
  );
}

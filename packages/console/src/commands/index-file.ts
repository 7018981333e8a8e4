import { indexRecord } from "@agent-keys/audit";
import { filesToRead, requireFile } from "../audit-file.ts";
import { say } from "../complain.ts";
import { parseFlags } from "../parse-flags.ts";
import type { Terminal } from "../terminal.ts";

const OPTIONS = { file: { type: "string", multiple: true }, json: { type: "boolean" } } as const;

/** Makes the index of a record, or brings it up to date. */
export function indexFile(args: readonly string[], to: Terminal): number {
  const valueHint = (): string => "the path of a file";
  const { values } = parseFlags(args, { command: "index", options: OPTIONS, valueHint });
  const read = filesToRead(values.file ?? []);
  for (const file of read) requireFile(file);
  for (const file of read) {
    const { events, added } = indexRecord(file);
    if (values.json === true) to.out(`${JSON.stringify({ file, events, added })}\n`);
    else say(to, `${file}.index has ${events} events; ${added} lines were new`);
  }
  return 0;
}

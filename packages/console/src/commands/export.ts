import { closeSync, openSync, writeSync } from "node:fs";
import { exporter, type ExportFormat, exportFormats } from "@agent-keys/audit";
import { type AuditEvent, printable, type ReadEvent, splitLines } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { DEFAULT_FILES, filesToRead, requireFile } from "../audit-file.ts";
import { ConsoleError } from "../console-error.ts";
import { passesFilter } from "../filter.ts";
import { version } from "../help.ts";
import { merged } from "../merged.ts";
import { readRecord } from "../read-chunks.ts";
import { type LineReader, lineReader, reportFlaws } from "../read-events.ts";
import type { Terminal } from "../terminal.ts";

/** How much is written at once. */
const BATCH_CHARACTERS = 64 * 1024;

/** Prints the events that pass the filters for other systems. */
export async function exportEvents(args: Arguments, to: Terminal): Promise<number> {
  const { files, database, filter, format, out } = args;
  const form = exporter(formatNamed(format), version());
  const read = database === undefined ? filesToRead(files) : undefined;
  for (const file of read ?? []) requireFile(file);
  using target = open(out, to);
  const reader = lineReader();
  let batch = form.header;
  const give = (event: AuditEvent): void => {
    batch += form.line(event);
    if (batch.length < BATCH_CHARACTERS) return;
    target.write(batch);
    batch = "";
  };
  let names = read ?? DEFAULT_FILES;
  if (database === undefined) {
    const sources = names.map((file) => eventsForward(file, reader));
    for (const { event } of merged(sources, (a, b) => a.event.time < b.event.time)) {
      if (passesFilter(event, filter)) give(event);
    }
  } else {
    const { eachEvent } = await import("../database/each-event.ts");
    names = await eachEvent(database, { reader, filter }, give);
  }
  target.write(batch);
  reportFlaws(reader, names, to);
  return 0;
}

function* eventsForward(file: string, reader: LineReader): Generator<ReadEvent, void, undefined> {
  for (const { bytes } of splitLines(readRecord(file))) {
    if (bytes.length === 0) continue;
    const found = reader.read(bytes.toString("utf8"));
    if (found !== undefined) yield found;
  }
}

function formatNamed(name: string | undefined): ExportFormat {
  const format = exportFormats.find((known) => known === name);
  if (format !== undefined) return format;
  const hint = `one of ${exportFormats.join(", ")}`;
  if (name === undefined) throw new ConsoleError("export needs --format", hint);
  throw new ConsoleError(`--format cannot be "${printable(name)}"`, hint);
}

/** @throws ConsoleError when there is such a file, or it cannot be made. */
function open(path: string | undefined, to: Terminal): Disposable & { write(text: string): void } {
  if (path === undefined) {
    return { write: (text) => to.out(text), [Symbol.dispose]: () => undefined };
  }
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    const why = code === "EEXIST" ? "is there already" : `cannot be written (${code})`;
    throw new ConsoleError(`${path} ${why}`, "--out names a file that is not there yet");
  }
  return {
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

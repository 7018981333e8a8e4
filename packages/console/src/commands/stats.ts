import { type AuditEvent, printableJson } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { type Files, filesText, filesToRead, requireFile } from "../audit-file.ts";
import { collectStats, type Stats } from "../collect-stats.ts";
import { say } from "../complain.ts";
import { eventsBackward, type LineReader, lineReader, reportFlaws } from "../read-events.ts";
import { statsText } from "../stats-text.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 20;

/** Counts calls for each agent, tool and scope. */
export function stats(args: Arguments, to: Terminal): number {
  const { files, filter, limit = DEFAULT_LIMIT, json } = args;
  const read = filesToRead(files);
  for (const file of read) requireFile(file);
  const reader = lineReader();
  const found = collectStats(events(read, reader, filter.sinceMs), filter);
  reportFlaws(reader, read, to);
  if (json) to.out(`${printableJson(JSON.stringify(limited(found, args.limit)))}\n`);
  else to.out(statsText(found, limit, styleOf(to)));
  if (found.total.calls === 0 && found.requests.total.requests === 0) {
    say(to, `no call of ${filesText(read)} passes the filters`);
  }
  return 0;
}

function* events(
  files: Files,
  reader: LineReader,
  sinceMs: number | undefined,
): Generator<AuditEvent, void, undefined> {
  for (const { event } of eventsBackward(files, reader, { sinceMs })) yield event;
}

/** A reader of JSON gets all, unless it asks for less. */
function limited(found: Stats, limit = Infinity): Stats {
  const { agents, tools, scopes, requests } = found;
  return {
    ...found,
    agents: agents.slice(0, limit),
    tools: tools.slice(0, limit),
    scopes: scopes.slice(0, limit),
    requests: {
      ...requests,
      agents: requests.agents.slice(0, limit),
      routes: requests.routes.slice(0, limit),
    },
  };
}

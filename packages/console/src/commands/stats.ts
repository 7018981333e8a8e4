import { printableJson } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { filesText } from "../audit-file.ts";
import type { Stats } from "../collect-stats.ts";
import { say } from "../complain.ts";
import { lineReader, reportFlaws } from "../read-events.ts";
import { openSource } from "../source.ts";
import { statsText } from "../stats-text.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 20;

/** Counts calls for each agent, tool and scope. */
export async function stats(args: Arguments, to: Terminal): Promise<number> {
  const { filter, limit = DEFAULT_LIMIT, json } = args;
  await using source = await openSource(args);
  const reader = lineReader();
  const found = await source.stats(reader, filter);
  reportFlaws(reader, source.names, to);
  if (json) to.out(`${printableJson(JSON.stringify(limited(found, args.limit)))}\n`);
  else to.out(statsText(found, limit, styleOf(to)));
  if (found.total.calls === 0 && found.requests.total.requests === 0) {
    say(to, `no call of ${filesText(source.names)} passes the filters`);
  }
  return 0;
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

import type { AuditEvent } from "@agent-keys/core";
import { printable } from "@agent-keys/core/audit";

const COLUMNS = 80;
const TOOL_COLUMNS = 14;

/** Prints a paragraph, wrapped; the first line may have a label instead of the indentation. */
export function tell(text: string, indent = "", label = indent): void {
  let line = label;
  let words = 0;
  for (const word of printable(text).split(" ")) {
    if (words > 0 && line.length + word.length > COLUMNS) {
      console.log(line.trimEnd());
      line = indent;
      words = 0;
    }
    line += `${word} `;
    words += 1;
  }
  console.log(line.trimEnd());
}

/** Prints what happens in a tool call. */
export function say(text: string, tool = ""): void {
  const indent = " ".repeat(TOOL_COLUMNS + 2);
  tell(text, indent, `  ${tool} `.padEnd(indent.length));
}

/** An audit sink is just a function: this one shows a newcomer what each event means. */
export function narrate(event: AuditEvent): void {
  if (event.type === "key.minted") {
    const grants = event.grants.map((grant) => [grant.scope, ...limitsOf(grant)].join(" "));
    const life = (Date.parse(event.expiresAt) - Date.parse(event.time)) / 1000;
    say(`key for ${grants.join(" or ")}, ${Math.round(life)} s`, event.tool?.name);
  } else if (event.type === "key.denied") {
    say(`DENIED ${event.code}: no key, the tool never ran`, event.tool?.name);
  } else if (event.type === "key.closed") {
    say(`key closed: ${event.outcome}`);
  }
}

type RecordedGrant = Extract<AuditEvent, { type: "key.minted" }>["grants"][number];

function limitsOf({ where = {}, uses }: RecordedGrant): readonly string[] {
  const values = Object.entries(where).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return uses === undefined ? values : [...values, `${uses} use`];
}

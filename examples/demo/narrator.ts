import type { AuditEvent } from "@agent-keys/core";

const COLUMNS = 80;
const TOOL = 16;

/** Prints a paragraph, wrapped. */
export function tell(text: string, indent = ""): void {
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > COLUMNS && line !== indent) {
      console.log(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  console.log(line.trimEnd());
}

/** Prints one line of what happens in a tool call. */
export function say(text: string, tool = ""): void {
  tell(text, `  ${tool.padEnd(TOOL)}`.padEnd(TOOL + 2));
}

/** An audit sink is just a function: this one shows a newcomer what each event means. */
export function narrate(event: AuditEvent): void {
  if (event.type === "key.minted") {
    const limits = event.grants.map((grant) => [grant.scope, ...limitsOf(grant)].join(", "));
    const life = (Date.parse(event.expiresAt) - Date.parse(event.time)) / 1000;
    say(`key minted: ${limits.join(" or ")}, ${Math.round(life)} s`, event.tool?.name);
  } else if (event.type === "key.denied") {
    say(`DENIED ${event.code}: no key, the tool never ran`, event.tool?.name);
  } else if (event.type === "key.closed") {
    say(`key closed: ${event.outcome}`);
  }
}

type RecordedGrant = Extract<AuditEvent, { type: "key.minted" }>["grants"][number];

function limitsOf({ where = {}, uses }: RecordedGrant): readonly string[] {
  const values = Object.entries(where).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return uses === undefined ? values : [...values, `${uses} use`];
}

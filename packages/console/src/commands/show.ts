import { printableJson } from "@agent-keys/core/audit";
import type { Arguments } from "../arguments.ts";
import { filesText } from "../audit-file.ts";
import { say } from "../complain.ts";
import { ConsoleError } from "../console-error.ts";
import { lineReader, reportFlaws } from "../read-events.ts";
import { openSource } from "../source.ts";
import { storyText } from "../story-text.ts";
import { styleOf } from "../style-of.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_LIMIT = 10;

/** Tells the story of a call, or of each time a tool call was tried. */
export async function show(args: Arguments, to: Terminal): Promise<number> {
  const { filter, limit = DEFAULT_LIMIT, json, id } = args;
  await using source = await openSource(args);
  const read = source.names;
  const { stories, flaws } = await source.stories(id, lineReader(), filter);
  reportFlaws(flaws, read, to);
  if (stories.length === 0) {
    const hint = "agent-keys ls shows ids; the beginning of one is enough";
    throw new ConsoleError(`no call in ${filesText(read)} has an id like "${id}"`, hint);
  }
  const shown = limit > 0 ? stories.slice(-limit) : [];
  if (json) {
    to.out(shown.map((story) => `${printableJson(JSON.stringify(story))}\n`).join(""));
    return 0;
  }
  to.out(shown.map((story) => storyText(story, to.now(), styleOf(to))).join("\n"));
  const more = stories.length - shown.length;
  if (more > 0)
    say(to, `${more} earlier ones are not shown`, `--limit ${stories.length} shows all`);
  if (shown.some(({ call }) => call.mintedAt === null && call.outcome === "open")) {
    const hint = "the agent's own record has it: give that beside this one, each with --file";
    say(to, `when its key was minted is not in ${filesText(read)}`, hint);
  }
  return 0;
}

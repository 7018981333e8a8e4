import type { AuditEvent } from "./event.ts";
import { type EventCells, eventCells, type Tone } from "./event-cells.ts";
import { truncateRoute } from "./route-text.ts";
import { fit, pad, textWidth, truncate } from "./text-width.ts";

/** How an event is shown to a person. */
export interface TextStyle {
  readonly color: boolean;
  /** Columns of the terminal; what does not fit is cut. `Infinity`: nothing is, for pipes. */
  readonly columns: number;
  /** How wide the cells of the events around it are. Default: as this one's. */
  readonly widths?: EventWidths | undefined;
}

/** How wide cells would like to be. */
export interface EventWidths {
  readonly word: number;
  readonly agent: number;
  readonly tool: number;
  readonly detail: number;
  readonly last: number;
}

const ESCAPES: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  good: "\u001b[32m",
  bad: "\u001b[1m\u001b[31m",
  warn: "\u001b[33m",
  dim: "\u001b[2m",
};
const RESET = "\u001b[0m";

/** Colours a text that is already safe to print. */
export function tint(text: string, tone: Tone, { color }: Pick<TextStyle, "color">): string {
  return color && tone !== "plain" && text !== "" ? `${ESCAPES[tone]}${text}${RESET}` : text;
}

/**
 * Whether to colour. `NO_COLOR` wins over `FORCE_COLOR`, and both over what the stream is.
 *
 * @param isTerminal - Whether the text goes to a terminal.
 */
export function wantsColor(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const { NO_COLOR: no = "", FORCE_COLOR: force = "", TERM: term } = env;
  if (no !== "") return false;
  if (force !== "") return force !== "0" && force !== "false";
  return isTerminal && term !== "dumb";
}

const NOTHING: EventWidths = { word: 6, agent: 0, tool: 0, detail: 3, last: 0 };

/** One long name must not push the cells of every other line away. */
const WIDEST = 30;
/** Room for every code, and then some. */
const DETAIL_WIDEST = 20;

/** How wide the cells of some events are, so that their lines can be aligned. */
export function measureEvents(
  events: Iterable<AuditEvent>,
  atLeast: EventWidths = NOTHING,
): EventWidths {
  let { word, agent, tool, detail, last } = atLeast;
  const wider = (width: number, text: string): number =>
    Math.max(width, Math.min(textWidth(text), WIDEST));
  for (const event of events) {
    const cells = eventCells(event);
    word = wider(word, cells.word);
    if (cells.call === undefined) continue;
    agent = wider(agent, cells.call.agent);
    tool = wider(tool, cells.call.tool);
    detail = wider(detail, cells.call.detail);
    last = wider(last, cells.last);
  }
  return { word, agent, tool, detail, last };
}

/**
 * One event as one line for a person: when, what happened, the id that `agent-keys show` takes (or
 * its beginning), who, which tool, what came of it, the scopes.
 */
export function eventText(event: AuditEvent, style: TextStyle): string {
  const cells = eventCells(event);
  const grid = layOut(style.columns, style.widths ?? measureEvents([event]));
  const id = shownId(cells, style.columns) || "-";
  const head = [
    tint(fit(cells.time.slice(...grid.clock), grid.clock[1] - grid.clock[0]), "dim", style),
    tint(fit(cells.word, grid.word), cells.tone, style),
    tint(style.columns === Infinity ? pad(id, grid.id) : fit(id, grid.id), "dim", style),
  ];
  return [...head, ...body(cells, grid, style)].join(" ").trimEnd();
}

/**
 * As much of an id as there is room for. No ellipsis: what is shown can be given to `agent-keys show` as
 * it stands. Of a call's own id and of an event's the end is shown, because many begin alike, as in
 * `toolu_01`; without a dash before it, which would make it a flag.
 *
 * @param columns - Of the whole line; `Infinity`: the whole id.
 */
export function shownId({ id, idOf }: Pick<EventCells, "id" | "idOf">, columns: number): string {
  if (columns === Infinity) return id;
  const length = columns >= WIDE ? 12 : 8;
  return idOf === "key" ? id.slice(0, length) : id.slice(-length).replace(/^-+(?=.)/, "");
}

function body({ call, last, more, tone }: EventCells, grid: Grid, style: TextStyle): string[] {
  if (call === undefined) return [truncate(last, grid.rest)];
  const endless = style.columns === Infinity;
  const quiet = tone === "dim" ? "dim" : "plain";
  const cells: string[] = [];
  let room = grid.rest;
  const add = (text: string, width: number, as: Tone): void => {
    const cell = endless ? pad(text, width) : fit(text, Math.max(0, Math.min(width, room)));
    room -= textWidth(cell) + 1;
    cells.push(tint(cell, as, style));
  };
  if (grid.agent > 0) add(call.agent, grid.agent, quiet);
  if (grid.tool > 0) add(call.tool, grid.tool, quiet);
  // A refusal's code is what is looked for, so it is not cut: the scopes give way to it.
  const detailed = Math.min(textWidth(call.detail), DETAIL_WIDEST);
  add(call.detail, Math.max(grid.detail, detailed), tone === "good" ? "plain" : tone);
  const short = endless ? last : truncateRoute(last, room);
  add(short, textWidth(short), quiet);
  if (more !== "" && textWidth(more) < room) add(` ${more}`, textWidth(more) + 1, "dim");
  return cells;
}

interface Grid extends Pick<EventWidths, "word" | "agent" | "tool" | "detail"> {
  /** Which characters of the ISO time are shown. */
  readonly clock: readonly [from: number, to: number];
  readonly id: number;
  /** Everything behind the id. */
  readonly rest: number;
}

/** From here on there is room for milliseconds and for more of an id. */
const WIDE = 100;
const DURATION = 6;
/** What is left of a cell when there is no room. */
const NARROWEST = 6;

function layOut(columns: number, widths: EventWidths): Grid {
  const endless = columns === Infinity;
  const wide = columns >= WIDE;
  const clock = endless ? ([0, 24] as const) : ([11, wide ? 23 : 19] as const);
  const id = endless ? KEY_ID : wide ? 12 : 8;
  const rest = columns - (clock[1] - clock[0] + 1 + widths.word + 1 + id + 1);
  const { word } = widths;
  return { clock, word, id, rest: Math.max(0, rest), ...shrink(widths, rest) };
}

/** The length of a key's id. */
const KEY_ID = 22;

/** How many columns the scopes may have for each that the agent's or the tool's name has. */
const SCOPE_SHARE = 2;

/**
 * Takes from the widest cell until all fit, so that the short ones stay whole. The scopes say most, and
 * begin alike, so they keep twice as much as a name. First of all codes reach beyond their cell, which
 * need only be as wide as a duration.
 */
function shrink(widths: EventWidths, rest: number): Pick<Grid, "agent" | "tool" | "detail"> {
  let { agent, tool, detail, last } = widths;
  if (agent + tool + detail + last + 3 > rest) detail = Math.min(detail, DURATION);
  for (;;) {
    const widest = Math.max(agent, tool, last / SCOPE_SHARE);
    if (agent + tool + detail + last + 3 <= rest || widest <= NARROWEST) break;
    if (last / SCOPE_SHARE === widest) last -= 1;
    else if (agent === widest) agent -= 1;
    else tool -= 1;
  }
  return { agent, tool, detail };
}

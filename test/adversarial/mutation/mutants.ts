import { type Node, parseSync, visitorKeys } from "oxc-parser";
import { isMessage } from "./messages.ts";
import { type Change, changesOf } from "./mutators.ts";

/** One small wrong edit of a source file. */
export interface Mutant {
  /** Stays the same when lines move: the function it is in, what stood there, and what stands there. */
  readonly id: string;
  readonly line: number;
  /** The whole text of the mutated file. */
  readonly text: string;
}

/**
 * Every mutant of a source text, in the order of the text.
 *
 * @param wording - Functions and variables that are left alone, as they only word a message.
 */
export function mutantsOf(
  fileName: string,
  source: string,
  wording: readonly string[] = [],
): readonly Mutant[] {
  const { program, errors } = parseSync(fileName, source);
  if (errors.length > 0) throw new SyntaxError(`${fileName}: ${errors[0]?.message}`);
  const seen = new Map<string, number>();
  const texts = new Set([source]);
  return changes(program, source).flatMap(({ start, end, text, within }) => {
    if (wording.includes(within)) return [];
    const mutated = source.slice(0, start) + text + source.slice(end);
    // Two ways to the same text are one mutant.
    if (texts.has(mutated)) return [];
    texts.add(mutated);
    const what = `${within}: ${short(source.slice(start, end))} → ${short(text) || "(nothing)"}`;
    const times = (seen.get(what) ?? 0) + 1;
    seen.set(what, times);
    const line = source.slice(0, start).split("\n").length;
    return [{ id: times === 1 ? what : `${what} #${times}`, line, text: mutated }];
  });
}

type Placed = Change & { readonly within: string };

function changes(program: Node, source: string): readonly Placed[] {
  const found: Placed[] = [];
  const visit = (node: Node, above: readonly Node[], within: string): void => {
    const here = nameOf(node) ?? within;
    // Types are no code; what stands in `as`, `satisfies` and the like is.
    const typesOnly = node.type.startsWith("TS") && !("expression" in node);
    if (typesOnly || node.type === "ImportDeclaration" || isMessage(node, above)) return;
    for (const change of changesOf(node, above, source)) found.push({ ...change, within: here });
    for (const child of childrenOf(node)) visit(child, [node, ...above], here);
  };
  visit(program, [], "module");
  return found.toSorted((a, b) => a.start - b.start || b.end - a.end);
}

function childrenOf(node: Node): readonly Node[] {
  const members = node as unknown as Readonly<Record<string, unknown>>;
  return (visitorKeys[node.type] ?? []).flatMap((key) => members[key]).filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** What names the mutants inside: a function, a method, or a variable at the top. */
function nameOf(node: Node): string | undefined {
  if (node.type === "FunctionDeclaration") return node.id?.name;
  if (node.type === "VariableDeclarator" && node.id.type === "Identifier") return node.id.name;
  if (node.type === "Property" && node.key.type === "Identifier") {
    return node.value.type.endsWith("FunctionExpression") ? node.key.name : undefined;
  }
  return undefined;
}

const SHOWN = 90;

function short(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

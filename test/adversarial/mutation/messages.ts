import type { Node } from "oxc-parser";

/** Members of options, and variables, that only say something to a developer. */
const TOLD: ReadonlySet<string> = new Set(["cause", "detail", "error", "message", "reason"]);
/** Functions that only word a refusal, and from which argument on. */
const SAY: ReadonlyMap<string, number> = new Map([
  ["AgentKeyError", 1],
  ["deny", 0],
  ["Error", 0],
  ["RangeError", 0],
  ["refuse", 1],
  ["refused", 2],
  ["tokenInvalid", 0],
  ["TypeError", 0],
  ["wrong", 0],
]);
/** Checks one of whose arguments, a text, is what is said when they fail. */
const CHECK_AND_SAY: ReadonlySet<string> = new Set(
  "custom max min positive refine requireBoolean requireCount requireKnown requireRequest requireStore".split(
    " ",
  ),
);

/**
 * Whether a part of the source is only ever read by people. Another wording decides nothing, so it is
 * left as it is. A `code` is no wording.
 */
export function isMessage(node: Node, [parent]: readonly Node[]): boolean {
  if (isTold(node)) return true;
  if (parent?.type !== "CallExpression" && parent?.type !== "NewExpression") return false;
  const { callee, arguments: given } = parent;
  if (callee === node) return false;
  const name = callee.type === "MemberExpression" ? callee.property : callee;
  if (name.type !== "Identifier") return false;
  const from = SAY.get(name.name) ?? Infinity;
  if (given.slice(from).some((argument) => argument === node)) return true;
  return CHECK_AND_SAY.has(name.name) && isText(node);
}

/** A member of an object, or a text in a variable, by a name that says what it is for. */
export function isTold(node: Node): boolean {
  if (node.type === "Property") return node.key.type === "Identifier" && TOLD.has(node.key.name);
  if (node.type !== "VariableDeclarator" || node.id.type !== "Identifier") return false;
  return TOLD.has(node.id.name) && node.init !== null && isText(node.init);
}

/** A text that is written out. */
export function isText(node: Node): boolean {
  return (
    node.type === "TemplateLiteral" || (node.type === "Literal" && typeof node.value === "string")
  );
}

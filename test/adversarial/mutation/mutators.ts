import type { Function, Node } from "oxc-parser";
import { isText, isTold } from "./messages.ts";

/** What stands between two places of a text instead. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "+=": ["-="],
  "-=": ["+="],
};

/** Methods, functions and members, and what is as easily written instead. */
const CONFUSED: Readonly<Record<string, string>> = {
  every: "some",
  some: "every",
  startsWith: "endsWith",
  endsWith: "startsWith",
  indexOf: "lastIndexOf",
  lastIndexOf: "indexOf",
  min: "max",
  max: "min",
  floor: "ceil",
  strictObject: "looseObject",
};

/** Steps of a chain that can be forgotten. */
const STEPS: ReadonlySet<string> = new Set(
  "filter flat slice toSorted toLowerCase min max refine nonnegative positive int".split(" "),
);

/** Functions that ask their argument a question of yes or no. */
const ASKING: ReadonlySet<string> = new Set("every some filter find findIndex refine".split(" "));

/** The kinds of nodes at which something can be mistaken. */
const MUTABLE = [
  "ArrayExpression",
  "ArrowFunctionExpression",
  "AssignmentExpression",
  "BinaryExpression",
  "BreakStatement",
  "CallExpression",
  "ConditionalExpression",
  "ContinueStatement",
  "ExpressionStatement",
  "ForOfStatement",
  "ForStatement",
  "FunctionDeclaration",
  "IfStatement",
  "Literal",
  "LogicalExpression",
  "MemberExpression",
  "NewExpression",
  "ObjectExpression",
  "ReturnStatement",
  "TemplateLiteral",
  "ThrowStatement",
  "UnaryExpression",
] as const;

type Mutable = Extract<Node, { readonly type: (typeof MUTABLE)[number] }> | NamedFunction;
type NamedFunction = Function & { readonly type: "FunctionDeclaration" };

function isMutable(node: Node): node is Mutable {
  return (MUTABLE as readonly string[]).includes(node.type);
}

/** The small mistakes that could be made at one node of the syntax tree. */
export function changesOf(
  node: Node,
  [parent]: readonly Node[],
  source: string,
): readonly Change[] {
  const of = (part: { start: number; end: number }): string => source.slice(part.start, part.end);
  const whole = (...texts: readonly string[]): Change[] =>
    texts.map((text) => ({ start: node.start, end: node.end, text }));
  const instead = (part: { start: number; end: number }, ...texts: readonly string[]): Change[] =>
    texts.map((text) => ({ start: part.start, end: part.end, text }));
  /** The operator between two operands, comments and brackets left alone. */
  const operator = (left: Node, right: Node, now: string, texts: readonly string[]): Change[] => {
    const start = source.indexOf(now, left.end);
    return start < right.start ? instead({ start, end: start + now.length }, ...texts) : [];
  };

  if (!isMutable(node)) return [];
  switch (node.type) {
    case "BinaryExpression":
      if (node.operator === "in") return whole(`!(${of(node)})`);
      if (node.operator === "instanceof") return whole("true", "false");
      if (node.operator === "+" && [node.left, node.right].some(isText)) return [];
      return operator(node.left, node.right, node.operator, OPERATORS[node.operator] ?? []);
    case "AssignmentExpression":
      return operator(node.left, node.right, node.operator, OPERATORS[node.operator] ?? []);
    case "LogicalExpression": {
      const other = node.operator === "&&" ? "||" : "&&";
      const swapped =
        node.operator === "??" ? [] : [`(${of(node.left)}) ${other} (${of(node.right)})`];
      return whole(...[of(node.left), of(node.right), ...swapped].map((text) => `(${text})`));
    }
    case "ConditionalExpression":
    case "IfStatement":
      return instead(node.test, "true", "false");
    case "ForStatement":
      return node.test === null ? [] : instead(node.test, "false");
    case "ForOfStatement":
      return instead(node.right, "[]");
    case "UnaryExpression":
      return node.operator === "!" || node.operator === "-" ? whole(`(${of(node.argument)})`) : [];
    case "Literal":
      return isKey(node, parent) ? [] : whole(...otherValues(node.value, of(node)));
    case "TemplateLiteral":
      return whole("``", ...unanchored(of(node), "`"));
    case "ThrowStatement":
    case "ContinueStatement":
    case "BreakStatement":
      return whole(";");
    case "ReturnStatement":
      return whole(";", ...(isNothing(node.argument) ? [] : ["return undefined;"]));
    case "ExpressionStatement":
      return whole(";");
    case "FunctionDeclaration":
      return node.body === null ? [] : instead(node.body, "{}");
    case "ArrowFunctionExpression": {
      if (node.body.type === "BlockStatement") return instead(node.body, "{}");
      if (isCallOf(parent, ASKING)) return instead(node.body, "true", "false");
      return instead(node.body, "undefined");
    }
    case "ArrayExpression":
      return without(node.elements, source).flatMap((part) => instead(part, ""));
    case "ObjectExpression":
      return without(node.properties, source).flatMap((part) => instead(part, ""));
    case "MemberExpression": {
      const { property, object } = node;
      const optional = node.optional
        ? instead({ start: object.end, end: property.start }, ".")
        : [];
      const name = property.type === "Identifier" && !node.computed ? property.name : "";
      const confused = Object.hasOwn(CONFUSED, name) ? (CONFUSED[name] ?? "") : undefined;
      return [
        ...(node.computed ? [] : optional),
        ...(confused === undefined ? [] : instead(property, confused)),
      ];
    }
    case "CallExpression": {
      const { callee } = node;
      if (!isCallOf(node, STEPS) || callee.type !== "MemberExpression") return [];
      return of(callee.object) === "Math" ? [] : whole(of(callee.object));
    }
    case "NewExpression":
      // A list in which each stands once, and one in which some stand twice.
      return of(node.callee) === "Set" && parent?.type === "SpreadElement"
        ? whole(of(node.arguments[0] ?? node))
        : [];
  }
}

/** A name that code must use as it is, in an object or of a member. */
function isKey(node: Node, parent: Node | undefined): boolean {
  return parent?.type === "Property" && parent.key === node && parent.value !== node;
}

/** What a caller cannot tell from nothing: no value, or `false` from a function that says yes or no. */
function isNothing(node: Node | null): boolean {
  if (node?.type === "Identifier") return node.name === "undefined";
  return node === null || (node.type === "Literal" && node.value === false);
}

function otherValues(value: unknown, raw: string): readonly string[] {
  if (typeof value === "boolean") return [String(!value)];
  if (typeof value === "number") return value > 0 ? [`${value + 1}`, `${value - 1}`] : ["1"];
  if (typeof value === "string") return value === "" ? ['"mutant"'] : ['""'];
  return value instanceof RegExp ? unanchored(raw, "/") : [];
}

/** A pattern that looks at part of a text only; each with a bound moved, or a class turned around. */
function unanchored(raw: string, quote: string): readonly string[] {
  const end = raw.lastIndexOf(quote);
  const [pattern, rest] = [raw.slice(1, end), raw.slice(end)];
  const others: string[] = [];
  if (pattern.startsWith("^")) others.push(pattern.slice(1));
  if (pattern.endsWith("$")) others.push(pattern.slice(0, -1));
  for (const { 0: bound, 1: digits = "", index } of pattern.matchAll(/(?<=[{,])(\d+)(?=[,}])/g)) {
    const after = pattern.slice(index + bound.length);
    others.push(`${pattern.slice(0, index)}${Number(digits) + 1}${after}`);
    if (digits !== "0") others.push(`${pattern.slice(0, index)}${Number(digits) - 1}${after}`);
  }
  for (const { index } of pattern.matchAll(/[*+](?=[^?]|$)/g)) {
    const other = pattern[index] === "*" ? "+" : "*";
    others.push(pattern.slice(0, index) + other + pattern.slice(index + 1));
    others.push(pattern.slice(0, index) + pattern.slice(index + 1));
  }
  return others.map((text) => quote + text + rest);
}

function isCallOf(node: Node | undefined, names: ReadonlySet<string>): boolean {
  if (node?.type !== "CallExpression" || node.callee.type !== "MemberExpression") return false;
  const { property } = node.callee;
  return property.type === "Identifier" && names.has(property.name);
}

/** Each member of a list with the comma behind it. */
function without(
  members: readonly (Node | null)[],
  source: string,
): readonly { start: number; end: number }[] {
  return members.flatMap((member) => {
    if (member === null || isTold(member)) return [];
    const comma = /^\s*,/.exec(source.slice(member.end));
    return [{ start: member.start, end: member.end + (comma?.[0].length ?? 0) }];
  });
}

// Evaluates a session policy as AWS documents it ("Policy evaluation logic" and "IAM JSON policy elements:
// Resource, Condition operators, Variables and tags", IAM User Guide, policy version 2012-10-17). Written from
// knowledge of these pages, not checked against their text. What this cannot read throws.

interface Asked {
  readonly action: string;
  readonly resource: string;
  /** Condition keys that the request has. */
  readonly context: Readonly<Record<string, string>>;
}

interface Document {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: string | readonly string[];
    readonly Resource: string | readonly string[];
    readonly Condition?: Conditions;
  }[];
}

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** Whether some statement allows it: there are no others than `Allow`. */
export function admits(policy: string, asked: Asked): boolean {
  const { Version, Statement, ...rest } = JSON.parse(policy) as Document;
  if (Version !== "2012-10-17" || Object.keys(rest).length > 0) throw new Error("no such policy");
  return Statement.some(({ Effect, Action, Resource, Condition = {}, ...others }) => {
    if (Effect !== "Allow" || Object.keys(others).length > 0) throw new Error("no such statement");
    return (
      [Action].flat().some((one) => like(one, asked.action)) &&
      [Resource].flat().some((one) => like(one, asked.resource)) &&
      holds(Condition, asked.context)
    );
  });
}

function holds(conditions: Conditions, context: Asked["context"]): boolean {
  return Object.entries(conditions).every(([named, keys]) => {
    const ifExists = named.endsWith("IfExists");
    const operator = ifExists ? named.slice(0, -"IfExists".length) : named;
    return Object.entries(keys).every(([key, given]) => {
      const values = [given].flat() as readonly string[];
      const value = Object.hasOwn(context, key) ? context[key] : undefined;
      if (operator === "Null") return values.includes(String(value === undefined));
      if (value === undefined) return ifExists;
      if (operator === "StringLike") return values.some((one) => like(one, value));
      if (operator === "StringEquals") return values.some((one) => plain(one) === value);
      throw new Error(`no such operator: ${named}`);
    });
  });
}

const PART = /\$\{([*?$])\}|\*|\?|[^]/gu;

/** `*` matches any number of characters, slashes too; `${*}`, `${?}` and `${$}` are the characters. */
function like(pattern: string, value: string): boolean {
  const source = pattern.replace(PART, (part, variable?: string) => {
    if (variable !== undefined) return `\\${variable}`;
    if (part === "*") return "[^]*";
    return part === "?" ? "[^]" : part.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  });
  return new RegExp(`^${source}$`, "u").test(value);
}

function plain(text: string): string {
  return text.replace(/\$\{([*?$])\}/g, "$1");
}

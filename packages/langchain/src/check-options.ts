const SHARED = ["keys", "expiresIn", "args", "context"];
const OF_TOOLS = new Set([...SHARED, "scopes", "defaultScope"]);
const OF_TOOL = new Set([...SHARED, "scope"]);

/** @throws TypeError naming what is wrong with the options as such, whatever the tools are. */
export function checkToolsOptions(options: object): void {
  requireKnown(options, OF_TOOLS);
  const { scopes, defaultScope } = options as Record<string, unknown>;
  if (scopes !== undefined && !isRecord(scopes)) {
    throw new TypeError("scopes: must be an object, a scope for each tool's name");
  }
  if (defaultScope !== undefined && typeof defaultScope !== "function") {
    throw new TypeError("defaultScope: must be a function ({ name, annotations, input }) => scope");
  }
}

/** @throws TypeError naming what is wrong with the options as such, whatever the tool is. */
export function checkToolOptions(options: object): void {
  requireKnown(options, OF_TOOL);
}

function requireKnown(options: unknown, known: ReadonlySet<string>): void {
  if (!isRecord(options)) throw new TypeError("options: must be an object");
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new TypeError(`${unknown}: not an option; there are ${[...known].join(", ")}`);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

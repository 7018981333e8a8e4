/**
 * The names of a tool's parameters, when its schema says all of them: a zod object, or a JSON Schema
 * with `properties` and without further ones. `undefined` when they are not known for certain.
 */
export function parameterNames(schema: unknown): readonly string[] | undefined {
  if (!isObject(schema)) return undefined;
  return zodNames(schema) ?? jsonSchemaNames(jsonSchemaOf(schema));
}

/** zod 3, 4 and mini all keep an object's members in `shape`; a loose one takes others as well. */
function zodNames(schema: object): readonly string[] | undefined {
  if (!("safeParse" in schema) || !("shape" in schema) || !isObject(schema.shape)) return undefined;
  const { catchall, unknownKeys } = definitionOf(schema);
  const open = unknownKeys === "passthrough" || !acceptsNothing(catchall);
  return open ? undefined : Object.keys(schema.shape);
}

function acceptsNothing(catchall: unknown): boolean {
  if (catchall === undefined) return true;
  if (!isObject(catchall)) return false;
  const { type, typeName } = definitionOf(catchall);
  return type === "never" || typeName === "ZodNever";
}

interface ZodDefinition {
  readonly catchall?: unknown;
  readonly unknownKeys?: unknown;
  readonly type?: unknown;
  readonly typeName?: unknown;
}

function definitionOf(schema: object): ZodDefinition {
  if ("_def" in schema && isObject(schema._def)) return schema._def;
  if ("_zod" in schema && isObject(schema._zod) && "def" in schema._zod) {
    return schema._zod.def as ZodDefinition;
  }
  return {};
}

/** The AI SDK keeps a JSON Schema behind `jsonSchema`, which may be a promise. */
function jsonSchemaOf(schema: object): unknown {
  return "jsonSchema" in schema ? schema.jsonSchema : schema;
}

function jsonSchemaNames(schema: unknown): readonly string[] | undefined {
  if (!isObject(schema) || !("properties" in schema) || !isObject(schema.properties)) {
    return undefined;
  }
  const closed = "additionalProperties" in schema && schema.additionalProperties === false;
  return closed && !("patternProperties" in schema) ? Object.keys(schema.properties) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * The names of a tool's parameters, when its schema says all of them: a zod object, or a JSON Schema
 * with `properties` and without further ones. `undefined` when they are not known for certain.
 */
export function parameterNames(schema: unknown): readonly string[] | undefined {
  if (!isObject(schema)) return undefined;
  return zodNames(schema) ?? jsonSchemaNames(jsonSchemaOf(schema));
}

/** zod 3 and 4 both keep an object's members in `shape`; a loose one takes others as well. */
function zodNames(schema: object): readonly string[] | undefined {
  if (!("safeParse" in schema) || !("shape" in schema) || !isObject(schema.shape)) return undefined;
  const def = "_def" in schema && isObject(schema._def) ? schema._def : {};
  const catchall = "catchall" in def ? def.catchall : undefined;
  const open = "unknownKeys" in def && def.unknownKeys === "passthrough";
  return open || !acceptsNothing(catchall) ? undefined : Object.keys(schema.shape);
}

function acceptsNothing(catchall: unknown): boolean {
  if (catchall === undefined) return true;
  if (!isObject(catchall) || !("_def" in catchall) || !isObject(catchall._def)) return false;
  const def = catchall._def as { type?: unknown; typeName?: unknown };
  return def.type === "never" || def.typeName === "ZodNever";
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
  return closed ? Object.keys(schema.properties) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

import type { SecretInput, SecretSource } from "../secret-source.ts";

/** The variable that may say where a service's credential is: `AGENT_KEYS_SECRET_GITHUB`. */
export function secretVariable(service: string): string {
  return `AGENT_KEYS_SECRET_${service.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Where the credential of each service is: what was given, and for a service that is left out what the
 * environment says. References are not read yet.
 *
 * @throws TypeError naming the option or the variable. No value is quoted: it may be the credential.
 */
export function secretInputs(
  given: unknown,
  services: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReadonlyMap<string, SecretInput> {
  if (
    given !== undefined &&
    (typeof given !== "object" || given === null || Array.isArray(given))
  ) {
    throw wrong("secrets", "must name a source for each service");
  }
  const own = new Map<string, unknown>(Object.entries(given ?? {}));
  const stranger = [...own.keys()].find((name) => !services.includes(name));
  if (stranger !== undefined) throw wrong(`secrets.${stranger}`, "is for no service that is here");
  return new Map(
    services.map((name) => [name, inputOf(name, own.get(name), services, environment)] as const),
  );
}

function inputOf(
  name: string,
  given: unknown,
  services: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): SecretInput {
  const input = given ?? fromEnvironment(name, services, environment);
  const variable = secretVariable(name);
  if (input === undefined) {
    const other = `must be the source of its credential, or a reference, or ${variable} name one`;
    throw wrong(`secrets.${name}`, `is missing: it ${other}`);
  }
  if (isSource(input) || isReference(input)) return input;
  const option = given === undefined ? variable : `secrets.${name}`;
  throw wrong(
    option,
    "must be the source of its credential, or a reference such as env:GITHUB_TOKEN",
  );
}

function fromEnvironment(
  name: string,
  services: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const variable = secretVariable(name);
  const value = environment[variable];
  if (value === undefined || value === "") return undefined;
  // Of a-b and a_b, which are two services, the variable does not say whose it is.
  if (services.filter((other) => secretVariable(other) === variable).length > 1) {
    throw wrong(variable, "could be of several services, so it must be in secrets");
  }
  return value;
}

function isSource(value: unknown): value is SecretSource {
  if (typeof value !== "object" || value === null) return false;
  return typeof Reflect.get(value, "read") === "function";
}

/** As far as can be seen here. A credential in its place mostly looks otherwise. */
function isReference(value: unknown): value is string {
  return typeof value === "string" && /^[a-z][a-z-]*:./s.test(value);
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`${option}: ${what}`);
}

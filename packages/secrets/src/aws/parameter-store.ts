import type { SecretSource } from "@agent-keys/core";
import { asked, clientPackage, once } from "../client-package.ts";
import { textValue } from "../text-value.ts";
import { AWS_ERRORS, type AwsPlace, clientConfig, requireAws } from "./client.ts";

/** Which parameter of AWS Systems Manager Parameter Store. */
export interface SsmParameter extends AwsPlace {
  /** Its name or ARN: `"/prod/github"`. */
  readonly name: string;
  /** A version's number or its label. Default: the latest. */
  readonly version?: string | undefined;
  /** A field of the JSON object that the parameter is. Default: the whole text. */
  readonly field?: string | undefined;
}

/**
 * A parameter of AWS Systems Manager, decrypted if it is a `SecureString`, read by `@aws-sdk/client-ssm`,
 * which you install. It finds its credentials as `aws` does.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { ssm } from "@agent-keys/secrets/aws";
 *
 * const secrets = { github: ssm({ name: "/prod/github" }) };
 * ```
 */
export function ssm(parameter: SsmParameter): SecretSource {
  const { name: id, version, field } = parameter;
  requireAws(id, "ssm: name", parameter);
  const name = `ssm:${id}${field === undefined ? "" : `#${field}`}`;
  const open = once(async () => {
    const { GetParameterCommand, SSMClient } = await clientPackage(
      name,
      "@aws-sdk/client-ssm",
      () => import("@aws-sdk/client-ssm"),
    );
    const client = new SSMClient(clientConfig(id, parameter));
    const selected = version === undefined ? id : `${id}:${version}`;
    return async (abortSignal: AbortSignal) =>
      client.send(new GetParameterCommand({ Name: selected, WithDecryption: true }), {
        abortSignal,
      });
  });
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      const answer = await asked(name, signal, AWS_ERRORS, async (either) =>
        (await open())(either),
      );
      return textValue(name, answer.Parameter?.Value, field);
    },
  });
}

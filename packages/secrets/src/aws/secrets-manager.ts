import type { SecretSource } from "@agent-keys/core";
import { asked, clientPackage, once } from "../client-package.ts";
import { textValue } from "../text-value.ts";
import { unavailable } from "../unavailable.ts";
import { AWS_ERRORS, type AwsPlace, clientConfig, requireAws } from "./client.ts";

/** Which secret of AWS Secrets Manager. */
export interface AwsSecret extends AwsPlace {
  /** Its name or ARN: `"prod/github"`. */
  readonly id: string;
  /** A field of the JSON object that the secret is. Default: the whole text. */
  readonly field?: string | undefined;
  /** The id of one version. Default: the one that is current when it is read. */
  readonly version?: string | undefined;
  /** A staging label, such as `"AWSPREVIOUS"`. Default: `"AWSCURRENT"`. */
  readonly stage?: string | undefined;
}

/**
 * A secret in AWS Secrets Manager, read by `@aws-sdk/client-secrets-manager`, which you install. It finds
 * its credentials as AWS's own tools do: environment, profile, web identity (IRSA), container, instance.
 *
 * @throws TypeError when an option is wrong.
 *
 * @example
 * ```ts
 * import { aws } from "@agent-keys/secrets/aws";
 *
 * const secrets = { github: aws({ id: "prod/github", field: "token" }) };
 * ```
 */
export function aws(secret: AwsSecret): SecretSource {
  const { id, field, version, stage } = secret;
  requireAws(id, "aws: id", secret);
  const name = `aws:${id}${field === undefined ? "" : `#${field}`}`;
  const open = once(async () => {
    const { GetSecretValueCommand, SecretsManagerClient } = await clientPackage(
      name,
      "@aws-sdk/client-secrets-manager",
      () => import("@aws-sdk/client-secrets-manager"),
    );
    const client = new SecretsManagerClient(clientConfig(id, secret));
    return async (abortSignal: AbortSignal) =>
      client.send(
        new GetSecretValueCommand({ SecretId: id, VersionId: version, VersionStage: stage }),
        { abortSignal },
      );
  });
  return Object.freeze({
    name,
    async read({ signal }: { readonly signal?: AbortSignal | undefined } = {}) {
      const answer = await asked(name, signal, AWS_ERRORS, async (either) =>
        (await open())(either),
      );
      const { SecretString, SecretBinary } = answer;
      const text = SecretString ?? (SecretBinary === undefined ? "" : decoded(name, SecretBinary));
      return textValue(name, text, field);
    },
  });
}

function decoded(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw unavailable(name, "the secret is binary, and not UTF-8 text");
  }
}

// Built from the AWS Secrets Manager API Reference (version 2017-10-17: GetSecretValue, Common Errors), the
// AWS Systems Manager API Reference (2014-11-06: GetParameter) and the AWS STS API Reference (2011-06-15:
// AssumeRoleWithWebIdentity). Every request but STS's must carry a true Signature Version 4.
import { randomBytes, randomUUID } from "node:crypto";
import { type AwsIdentity, signatureError } from "./aws-signature.ts";
import { type Answer, type Asked, localServer, type LocalServer } from "./local-server.ts";

/** A secret or parameter: every version there was, the newest last. */
export interface AwsVersion {
  readonly id: string;
  readonly text?: string;
  readonly bytes?: Uint8Array;
}

/** AWS on loopback, in one region. */
export interface AwsServer extends LocalServer {
  /** Versions by the secret's name or the parameter's. */
  readonly secrets: Map<string, AwsVersion[]>;
  readonly identities: Map<string, AwsIdentity>;
  /** What STS takes, and how long what it gives for it lives. */
  readonly web: { roleArn: string; token: string; lifeSeconds: number };
}

export const AWS_REGION = "eu-central-1";

export async function awsServer(): Promise<AwsServer> {
  const secrets: AwsServer["secrets"] = new Map();
  const identities: AwsServer["identities"] = new Map();
  const web = { roleArn: "arn:aws:iam::1:role/none", token: randomUUID(), lifeSeconds: 3_600 };

  function answer(asked: Asked): Answer {
    if (asked.body.includes("Action=AssumeRoleWithWebIdentity")) return assumed(asked);
    const target = asked.headers["x-amz-target"] ?? "";
    const service = target.startsWith("AmazonSSM.") ? "ssm" : "secretsmanager";
    const wrong = signatureError(asked, identities, { region: AWS_REGION, service });
    if (wrong !== undefined) return refusal(wrong);
    const input = JSON.parse(asked.body) as Record<string, string | boolean>;
    if (target === "secretsmanager.GetSecretValue") return secretOf(input);
    if (target === "AmazonSSM.GetParameter") return parameterOf(input);
    return refusal("InvalidAction");
  }

  function secretOf({ SecretId, VersionId, VersionStage }: Record<string, unknown>): Answer {
    const name = String(SecretId).replace(/^arn:.*:secret:/, "");
    const versions = secrets.get(name) ?? [];
    const behind = VersionStage === "AWSPREVIOUS" ? 2 : 1;
    const version =
      VersionId === undefined ? versions.at(-behind) : versions.find(({ id }) => id === VersionId);
    if (version === undefined) return refusal("ResourceNotFoundException");
    const { id, text, bytes } = version;
    return ok({
      ARN: `arn:aws:secretsmanager:${AWS_REGION}:123456789012:secret:${name}`,
      Name: name,
      VersionId: id,
      VersionStages: [VersionStage ?? "AWSCURRENT"],
      ...(text === undefined ? {} : { SecretString: text }),
      ...(bytes === undefined ? {} : { SecretBinary: Buffer.from(bytes).toString("base64") }),
      CreatedDate: Date.now() / 1000,
    });
  }

  function parameterOf({ Name, WithDecryption }: Record<string, unknown>): Answer {
    const [name = "", selector] = String(Name).split(":");
    const versions = secrets.get(name);
    if (versions === undefined) return refusal("ParameterNotFound");
    const version =
      selector === undefined ? versions.at(-1) : versions.find(({ id }) => id === selector);
    if (version?.text === undefined) return refusal("ParameterVersionNotFound");
    return ok({
      Parameter: {
        Name: name,
        Type: "SecureString",
        // Without being asked to decrypt it, AWS gives what KMS made of it.
        Value: WithDecryption === true ? version.text : randomBytes(48).toString("base64"),
        Version: versions.indexOf(version) + 1,
        DataType: "text",
      },
    });
  }

  function assumed(asked: Asked): Answer {
    const form = new URLSearchParams(asked.body);
    if (form.get("RoleArn") !== web.roleArn || form.get("WebIdentityToken") !== web.token) {
      return {
        status: 400,
        headers: { "content-type": "text/xml" },
        body: "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>No</Message></Error></ErrorResponse>",
      };
    }
    const accessKeyId = `ASIA${randomBytes(8).toString("hex").toUpperCase()}`;
    const secretAccessKey = randomBytes(30).toString("base64");
    const sessionToken = randomBytes(60).toString("base64");
    const expiresAtMs = Date.now() + web.lifeSeconds * 1000;
    identities.set(accessKeyId, { secretAccessKey, sessionToken, expiresAtMs });
    return {
      status: 200,
      headers: { "content-type": "text/xml" },
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId>
<SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken>
<Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>
<AssumedRoleUser><Arn>${web.roleArn}</Arn><AssumedRoleId>AROA:test</AssumedRoleId></AssumedRoleUser>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    };
  }

  const server = await localServer(answer);
  return Object.assign(server, { secrets, identities, web });
}

const ok = (body: unknown): Answer => ({
  status: 200,
  headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() },
  body,
});

/** What AWS says of an error in its JSON protocol. */
export function refusal(type: string, message = "told by the server"): Answer {
  const status = type === "InternalServiceError" ? 500 : 400;
  return { ...ok({ __type: type, message }), status };
}

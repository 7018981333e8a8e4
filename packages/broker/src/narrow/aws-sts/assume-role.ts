import { AgentKeyError, type Grant, type SecretValue } from "@agent-keys/core";
import { policyText, type PolicyPart } from "./policy-document.ts";

/** A role to assume, and how a grant is told to it. */
export interface AssumeRoleOptions {
  /** `arn:aws:iam::123456789012:role/agents`. What it may do is the most that any credential can. */
  readonly roleArn: string;
  /** Whose STS is asked. */
  readonly region: string;
  /** What the role's trust policy asks of others. */
  readonly externalId?: string | undefined;
  /** How the sessions are called in CloudTrail. What is not allowed there becomes `-`. Default `agent-keys`. */
  readonly sessionName?: string | undefined;
  /** A grant as statements, and what they cannot say: `s3Statements`. `undefined` refuses the request. */
  readonly statements: (grant: Grant, partition: string) => PolicyPart | undefined;
  /** How long a credential lives: 900, which is the least, to 43,200. Default 900. */
  readonly durationSeconds?: number | undefined;
  /** Another address of STS, such as a VPC endpoint. */
  readonly endpoint?: string | undefined;
}

/** What STS is asked, by its own names. */
export interface AssumeRoleRequest {
  readonly RoleArn: string;
  readonly RoleSessionName: string;
  readonly DurationSeconds: number;
  readonly Policy: string;
  readonly ExternalId?: string;
}

/** A source of credentials that are each for one grant. */
export interface AssumeRole {
  /** `aws-sts:<the role's ARN>`. */
  readonly name: string;
  /** What would be asked for a grant. `undefined`: no policy is within it, or none that is short enough. */
  readonly narrow: (
    grant: Grant,
  ) => { readonly request: AssumeRoleRequest; readonly left: readonly string[] } | undefined;
  /** @throws AgentKeyError `secret_unavailable`, which never says anything of a credential. */
  readonly issue: (
    narrowed: { readonly request: AssumeRoleRequest },
    options?: { readonly signal?: AbortSignal | undefined },
  ) => Promise<SecretValue>;
  readonly close: () => Promise<void>;
}

/**
 * Asks AWS STS for credentials of a role, with a session policy made of the grant: they can do what both
 * the role and the policy allow. Needs `@aws-sdk/client-sts`, which is loaded with the first request and
 * finds its own credentials in AWS's default chain. STS cannot revoke a session: it ends by itself.
 *
 * @throws TypeError when an option is none that STS takes.
 *
 * @example
 * ```ts
 * import { assumeRole, s3Statements } from "@agent-keys/broker/aws-sts";
 *
 * export const reports = assumeRole({
 *   roleArn: "arn:aws:iam::123456789012:role/agents",
 *   region: "eu-central-1",
 *   statements: s3Statements,
 * });
 * ```
 */
export function assumeRole({
  roleArn,
  region,
  externalId,
  sessionName = "agent-keys",
  statements,
  durationSeconds = LEAST_SECONDS,
  endpoint,
}: AssumeRoleOptions): AssumeRole {
  const [, partition] = ROLE.exec(roleArn) ?? [];
  if (partition === undefined || roleArn.length > 2_048) throw wrong("roleArn", "an ARN of a role");
  // It becomes a part of the host's name.
  if (!/^[a-z0-9-]{1,63}$/.test(region)) throw wrong("region", "one, such as eu-central-1");
  if (externalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId)) {
    throw wrong("externalId", "2 to 1,224 characters that STS takes");
  }
  if (!(Number.isInteger(durationSeconds) && durationSeconds >= LEAST_SECONDS)) {
    throw wrong("durationSeconds", "900 at least");
  }
  if (durationSeconds > MOST_SECONDS) throw wrong("durationSeconds", "43200 at most");
  const name = `aws-sts:${roleArn}`;
  const session = sessionNameOf(sessionName);
  const open = async (): Promise<Client> => await openClient({ region, endpoint });
  let opened: Promise<Client> | undefined;
  return {
    name,
    narrow(grant) {
      const part = statements(grant, partition);
      // No statement at all would still be a policy, which allows nothing.
      if (part === undefined || part.statements.length === 0) return undefined;
      const policy = policyText(part.statements);
      if (policy === undefined) return undefined;
      const request: AssumeRoleRequest = {
        RoleArn: roleArn,
        RoleSessionName: session,
        DurationSeconds: durationSeconds,
        Policy: policy,
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
      };
      return { request, left: part.left };
    },
    async issue({ request }, { signal } = {}) {
      try {
        // Of a client that could not be loaded nothing is kept.
        opened ??= open().catch((error: unknown) => {
          opened = undefined;
          throw error;
        });
        const client = await opened;
        return await client.issue(request, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw new AgentKeyError("secret_unavailable", { detail: `${name}: ${whyOf(error)}` });
      }
    },
    async close() {
      const last = opened;
      opened = undefined;
      (await last?.catch(() => undefined))?.close();
    },
  };
}

/** What STS takes. */
const LEAST_SECONDS = 900;
const MOST_SECONDS = 43_200;
const ROLE = /^arn:(aws(?:-[a-z]+)*):iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
const TIMEOUT_MS = 8_000;

/** A name as `[\w+=,.@-]{2,64}`, with which STS calls a session. */
function sessionNameOf(given: string): string {
  const allowed = given.replace(/[^A-Za-z0-9_+=,.@-]/g, "-").slice(0, 64);
  if (allowed.length < 2) throw wrong("sessionName", "2 characters at least");
  return allowed;
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`assumeRole: ${option}: must be ${what}`);
}

interface Client {
  readonly issue: (
    request: AssumeRoleRequest,
    signal: AbortSignal | undefined,
  ) => Promise<SecretValue>;
  readonly close: () => void;
}

async function openClient(place: {
  readonly region: string;
  readonly endpoint: string | undefined;
}): Promise<Client> {
  const { AssumeRoleCommand, STSClient } = await import("@aws-sdk/client-sts");
  const { region, endpoint } = place;
  const client = new STSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 3,
  });
  return {
    async issue(request, signal) {
      const over = AbortSignal.timeout(TIMEOUT_MS);
      const abortSignal = signal === undefined ? over : AbortSignal.any([signal, over]);
      const { Credentials } = await client.send(new AssumeRoleCommand({ ...request }), {
        abortSignal,
      });
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
      // Without a token they are none of a session, and no policy would hold them.
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || Expiration === undefined) {
        throw new TypeError("an answer without credentials of a session");
      }
      const value = JSON.stringify({
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      });
      return { value, expiresAtMs: Expiration.getTime() };
    },
    close() {
      client.destroy();
    },
  };
}

/** Only the error's kind: the client's own messages quote what was asked. */
function whyOf(error: unknown): string {
  const kind = error instanceof Error ? error.name : "";
  if (Object.hasOwn(WHY, kind)) return WHY[kind] ?? kind;
  return /^[A-Za-z]{1,64}$/.test(kind)
    ? `no credentials were issued (${kind})`
    : "none were issued";
}

const WHY: Readonly<Record<string, string>> = {
  AccessDenied: "the role may not be assumed (AccessDenied)",
  PackedPolicyTooLargeException: "the session policy is too large (PackedPolicyTooLarge)",
  RegionDisabledException: "STS is not active in the region (RegionDisabled)",
  CredentialsProviderError: "no AWS credentials were found (CredentialsProviderError)",
};

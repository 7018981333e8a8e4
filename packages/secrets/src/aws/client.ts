import { addressOf } from "../http/address.ts";

/** Where in AWS something is. Who asks is told by the client's own chain of credentials. */
export interface AwsPlace {
  /** Default: that of the ARN, if one is given; else `AWS_REGION`, or that of the profile. */
  readonly region?: string | undefined;
  /** A profile of `~/.aws/config`. Default: `AWS_PROFILE`, or the environment's credentials. */
  readonly profile?: string | undefined;
  /** Another address to ask, such as a VPC endpoint. Default: `AWS_ENDPOINT_URL…`, or the region's own. */
  readonly endpoint?: string | undefined;
}

/** What both clients are made with. They try thrice, with jitter, and wait as long as AWS asks them to. */
export interface AwsClientConfig {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly maxAttempts: number;
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: boolean;
  };
}

/** @param id - A name or an ARN, which names its region. */
export function clientConfig(id: string, place: AwsPlace): AwsClientConfig {
  const region = place.region ?? ARN.exec(id)?.[1];
  return {
    ...(region === undefined ? {} : { region }),
    ...(place.profile === undefined ? {} : { profile: place.profile }),
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 5_000,
      throwOnRequestTimeout: true,
    },
  };
}

const ARN = /^arn:[a-z-]+:[a-z]+:([a-z0-9-]+):/;

/** What the errors mean that people meet. The client's own messages quote what was asked for. */
export const AWS_ERRORS: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "there is no such secret, or no such version of it",
  ParameterNotFound: "there is no such parameter",
  ParameterVersionNotFound: "there is no such version of the parameter",
  AccessDeniedException: "access is denied (AccessDeniedException)",
  CredentialsProviderError: "no AWS credentials were found (CredentialsProviderError)",
  ExpiredTokenException: "the AWS credentials have expired (ExpiredTokenException)",
  UnrecognizedClientException: "the AWS credentials are not accepted (UnrecognizedClientException)",
  InvalidSignatureException: "the AWS credentials are not accepted (InvalidSignatureException)",
};

/** @throws TypeError when the name or the place is none. It is not quoted: it may be a secret. */
export function requireAws(given: unknown, what: string, { region, endpoint }: AwsPlace): void {
  const [provider = ""] = what.split(":");
  if (typeof given !== "string" || !/^[\w+=.@:/-]{1,2048}$/.test(given)) {
    throw new TypeError(`${what}: must be a name or an ARN`);
  }
  // It becomes a part of the host's name.
  if (region !== undefined && !/^[a-z0-9-]{1,63}$/.test(region)) {
    throw new TypeError(`${provider}: region: must be one, such as eu-central-1`);
  }
  if (endpoint !== undefined) addressOf(endpoint, `${provider}: endpoint`);
}

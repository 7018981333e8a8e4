import type { Unsigned } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import type { Service } from "../service/service.ts";
import { sigV4 } from "../service/sigv4.ts";
import type { PlacedAt } from "./placed-at.ts";
import type { RoutesOf } from "./routes-of.ts";

export type S3Scope =
  | "s3:objects.read"
  | "s3:objects.write"
  | "s3:objects.delete"
  | "s3:objects.list";

/** What `where` may name. */
export type S3Parameter =
  | "bucket"
  | "key"
  | "prefix"
  | "delimiter"
  | "max-keys"
  | "continuation-token"
  | "start-after"
  | "encoding-type"
  | "fetch-owner"
  | "list-type"
  | "x-id";

/** Where S3 is. */
export interface S3Place extends PlacedAt {
  /** `eu-central-1`: it is part of every signature. */
  readonly region: string;
}

/** `x-id` is the name of the operation, as AWS's clients add it for logs. */
const object = "/:bucket/:key*?x-id";

const scopes: RoutesOf<S3Scope> = {
  "objects.read": [`GET ${object}`],
  "objects.write": [{ route: `PUT ${object}`, bytes: true }],
  "objects.delete": [`DELETE ${object}`],
  "objects.list": [
    "GET /:bucket?list-type{int}&prefix&delimiter&max-keys{int}&continuation-token&start-after&encoding-type&fetch-owner{boolean}&x-id",
  ],
};

/**
 * Amazon S3, in path style: GetObject, HeadObject, PutObject, DeleteObject and ListObjectsV2, as S3's API
 * reference (2006-03-01) has them. Any other operation, which S3 tells by a query such as `?acl` or
 * `?uploads`, is no route.
 *
 * Signed with Signature Version 4, whose secret is JSON of `{ accessKeyId, secretAccessKey,
 * sessionToken }`, as `assumeRole` issues it. Needs `@smithy/signature-v4`.
 *
 * Metadata (`x-amz-meta-…`), ACLs, encryption and storage classes of an upload are not sent on. A body in
 * chunks with a trailer is refused: give AWS's client `requestChecksumCalculation: "WHEN_REQUIRED"`.
 *
 * @throws TypeError when `region` is none, or `baseUrl` is not an https URL.
 */
export function s3({ region, baseUrl, network }: S3Place): Service<S3Scope, S3Parameter> {
  // It becomes a part of the host's name.
  if (!/^[a-z0-9-]{1,63}$/.test(region)) throw new TypeError("s3: region: must be one");
  const suffix = region.startsWith("cn-") ? ".cn" : "";
  return defineService({
    name: "s3",
    baseUrl: baseUrl ?? `https://s3.${region}.amazonaws.com${suffix}`,
    network,
    credential: sigV4({ service: "s3", region, check }),
    scopes,
    strictQuery: true,
    forwardHeaders: ["range", "content-md5", "x-amz-checksum-mode", COPY_SOURCE, ...CHECKSUMS],
  }) as Service<S3Scope, S3Parameter>;
}

/** Let through to be seen, and refused. */
const COPY_SOURCE = "x-amz-copy-source";

const CHECKSUMS = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"].map(
  (one) => `x-amz-checksum-${one}`,
);

const OPERATIONS: ReadonlySet<string | null> = new Set([
  null,
  "GetObject",
  "HeadObject",
  "PutObject",
  "DeleteObject",
  "ListObjectsV2",
]);

/** A copy without its header would be an empty upload, and chunks without theirs the object's bytes. */
function check({ url, headers }: Unsigned): void {
  if (!OPERATIONS.has(url.searchParams.get("x-id"))) throw new TypeError("another operation");
  if (headers[COPY_SOURCE] !== undefined) throw new TypeError("a copy");
  if (headers["content-encoding"]?.includes("aws-chunked") === true) {
    throw new TypeError("a body in chunks");
  }
}

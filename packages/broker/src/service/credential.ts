/** A request on its way to the upstream, as a signing function sees it. */
export interface Unsigned {
  readonly method: string;
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body, or `undefined` when there is none, or when it is streamed. */
  readonly body: Uint8Array | undefined;
}

/** Where a service expects its credential. */
export type Credential =
  | {
      readonly kind: "header";
      /** Lower case. */
      readonly name: string;
      /** What stands before the credential: `"Bearer "`. */
      readonly prefix: string;
    }
  | { readonly kind: "basic"; readonly username: string }
  | { readonly kind: "query"; readonly name: string }
  | {
      readonly kind: "signed";
      /** Headers to set, made from the request and the secret. Pure, but for a clock. */
      readonly sign: Sign;
    };

type SetHeaders = Readonly<Record<string, string>>;
type Sign = (request: Unsigned, secret: string) => SetHeaders | Promise<SetHeaders>;

/** `Authorization: Bearer …` (RFC 6750). */
export function bearer(): Credential {
  return { kind: "header", name: "authorization", prefix: "Bearer " };
}

/** `Authorization: token …`, as GitHub also takes it. */
export function token(): Credential {
  return { kind: "header", name: "authorization", prefix: "token " };
}

/** The credential alone in a header of its own: `x-api-key`. */
export function header(name: string): Credential {
  return { kind: "header", name: name.toLowerCase(), prefix: "" };
}

/** `Authorization: Basic …` (RFC 7617), with the credential as the password. */
export function basic(username = ""): Credential {
  if (username.includes(":")) throw new TypeError("basic: a user name has no colon");
  return { kind: "basic", username };
}

/** The credential as a query parameter. Prefer a header where the service takes one: URLs are logged. */
export function query(name: string): Credential {
  return { kind: "query", name };
}

/** Headers that are computed from the request and the secret, such as an HMAC signature. */
export function signed(sign: Sign): Credential {
  return { kind: "signed", sign };
}

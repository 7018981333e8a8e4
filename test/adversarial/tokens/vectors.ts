import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../../shared/vectors/wycheproof/", import.meta.url);

/** One of C2SP's Wycheproof files. They lie beside the project and are not part of it. */
export function wycheproof(file: string): unknown {
  const path = new URL(file, FOLDER);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  console.log(`wycheproof: skipped, ../shared/vectors/wycheproof/${file} is not here`);
  return undefined;
}

/** `ed25519.json`: signatures of texts, most of which no token could be. */
export interface Ed25519Vectors {
  readonly testGroups: readonly {
    readonly publicKeyJwk: { readonly kty: string; readonly crv: string; readonly x: string };
    readonly tests: readonly SignatureVector[];
  }[];
}

export interface SignatureVector {
  readonly tcId: number;
  readonly comment: string;
  /** Hexadecimal, as is `sig`. */
  readonly msg: string;
  readonly sig: string;
  readonly result: "valid" | "invalid";
}

/** `json_web_signature.json`: tokens of every algorithm but ours. */
export interface JwsVectors {
  readonly testGroups: readonly {
    readonly comment: string;
    readonly private: Readonly<Record<string, unknown>>;
    readonly tests: readonly JwsVector[];
  }[];
}

export interface JwsVector {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: "valid" | "invalid";
}

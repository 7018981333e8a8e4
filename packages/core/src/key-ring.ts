import {
  generateSigningKey,
  type PublicJwk,
  readSigningKey,
  type SigningKey,
  type SigningKeyInput,
} from "./token/signing-key.ts";

/** An issuer's signing keys: one signs, all are published and verify. */
export interface KeyRing {
  readonly current: () => SigningKey;
  readonly find: (kid: string) => SigningKey | undefined;
  readonly jwks: () => { keys: PublicJwk[] };
  /** A new key signs from now on; the older ones go on verifying until retired. Returns its `kid`. */
  readonly rotate: (input?: SigningKeyInput) => string;
  /**
   * Takes an older key out: what it signed is refused.
   *
   * @throws TypeError for the key that signs, or one that is not here.
   */
  readonly retire: (kid: string) => void;
}

/**
 * Opens a ring. The first key signs. Without any, one is made that lives as long as the process.
 *
 * @param option - The option or variable the keys came from, for the error.
 */
export function openKeyRing(
  inputs: readonly SigningKeyInput[],
  option: string = "signingKey",
): KeyRing {
  const [first = generateSigningKey(), ...others] = inputs.map((input, index) =>
    readSigningKey(input, inputs.length > 1 ? `${option}[${index}]` : option),
  );
  let current = first;
  const keys = new Map<string, SigningKey>();
  const add = (key: SigningKey): void => {
    if (keys.has(key.kid)) throw new TypeError("signingKey: two keys have the same kid");
    keys.set(key.kid, key);
  };
  for (const key of [first, ...others]) add(key);

  return {
    current: () => current,
    find: (kid) => keys.get(kid),
    jwks: () => ({ keys: [...keys.values()].map((key) => ({ ...key.publicJwk })) }),
    rotate(input) {
      const next = input === undefined ? generateSigningKey() : readSigningKey(input);
      add(next);
      current = next;
      return next.kid;
    },
    retire(kid) {
      if (kid === current.kid) throw new TypeError("retire: this key signs; rotate first");
      if (!keys.delete(kid)) throw new TypeError("retire: no signing key has this kid");
    },
  };
}

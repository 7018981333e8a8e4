import type { Limits } from "./limits.ts";

/** The bodies that were read whole, and are in memory until their requests are done. */
export interface HeldBodies {
  /** For one request of an issuer. */
  open(iss: string): HeldBody;
}

/** What one request holds. */
export interface HeldBody {
  /** Counts so many bytes more, unless that is too much: of the issuer, or of all. */
  take(bytes: number): boolean;
  /** Gives back all of it. */
  release(): void;
}

/** So that neither many requests nor one issuer's take all memory. */
export function openHeldBodies({
  heldBodyBytes,
  heldBodyBytesPerIssuer,
}: Pick<Limits, "heldBodyBytes" | "heldBodyBytesPerIssuer">): HeldBodies {
  const held = new Map<string, number>();
  let total = 0;
  const change = (iss: string, bytes: number): void => {
    total += bytes;
    const of = (held.get(iss) ?? 0) + bytes;
    if (of === 0) held.delete(iss);
    else held.set(iss, of);
  };
  return {
    open(iss) {
      let own = 0;
      return {
        take(bytes) {
          if (total + bytes > heldBodyBytes) return false;
          if ((held.get(iss) ?? 0) + bytes > heldBodyBytesPerIssuer) return false;
          own += bytes;
          change(iss, bytes);
          return true;
        },
        release() {
          if (own > 0) change(iss, -own);
          own = 0;
        },
      };
    },
  };
}

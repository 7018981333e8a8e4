const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;

/** The longest name that is looked at: to normalise a longer one can take any time. */
export const NAME_MAX_LENGTH = 200;

/**
 * What servers are known to take for one name: case, compatibility forms, `a[]`, `a.b`, spaces, and what
 * nobody sees. For names of at most {@link NAME_MAX_LENGTH}.
 */
export function fold(name: string): string {
  if (/^[a-z0-9_]+$/.test(name)) return name;
  const [stem = ""] = name.normalize("NFKC").replace(UNSEEN, "").toLowerCase().split("[");
  return stem.trim().replace(/[\s.+-]/g, "_");
}

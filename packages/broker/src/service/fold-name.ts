const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;

/** The longest name that is looked at: to normalise a longer one can take any time. */
export const NAME_MAX_LENGTH = 200;

/**
 * What servers are known to take for one name: case, compatibility forms, `a[]`, `a.b`, spaces, and what
 * nobody sees. For names of at most {@link NAME_MAX_LENGTH}.
 */
export function fold(name: string): string {
  return readings(name)[0];
}

/**
 * Every name that some server takes a name for. There are two where a bracket opens and does not close:
 * to one it begins an index, to PHP `a[b` is `a_b`.
 */
export function readings(name: string): readonly [string, ...string[]] {
  if (/^[a-z0-9_]+$/.test(name)) return [name];
  const shown = name.normalize("NFKC").replace(UNSEEN, "").toLowerCase().trim();
  const at = shown.indexOf("[");
  const stem = joined(at === -1 ? shown : shown.slice(0, at));
  return at === -1 || shown.includes("]", at) ? [stem] : [stem, joined(shown)];
}

function joined(name: string): string {
  return name.trim().replace(/[\s.+[-]/g, "_");
}

const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;

const SEPARATORS = /[\s._+[-]/g;

/** The longest name that is looked at: to normalise a longer one can take any time. */
export const NAME_MAX_LENGTH = 200;

/**
 * What servers are known to take for one name: case, compatibility forms, `parentId` and `parent_id` (as
 * JSON for protocol buffers does), `a[]`, `a.b`, spaces, and what nobody sees. For names of at most
 * {@link NAME_MAX_LENGTH}.
 */
export function fold(name: string): string {
  return readings(name)[0];
}

/**
 * Every name that some server takes a name for. There are more where a bracket opens and does not close:
 * to one it begins an index, to PHP `a[b` is `a_b`. And where nothing stands in front of the first
 * separator: `_method` is the name of an override, and `method` is not.
 */
export function readings(name: string): readonly [string, ...string[]] {
  if (/^[a-z0-9][a-z0-9_]*$/.test(name)) return [name.replaceAll("_", "")];
  const shown = name.normalize("NFKC").replace(UNSEEN, "").toLowerCase().trim();
  const at = shown.indexOf("[");
  const [stem, ...marked] = joined(at === -1 ? shown : shown.slice(0, at));
  return at === -1 || shown.includes("]", at)
    ? [stem, ...marked]
    : [stem, ...marked, ...joined(shown)];
}

function joined(name: string): readonly [string, ...string[]] {
  const plain = name.replace(SEPARATORS, "");
  return name.trim().search(SEPARATORS) === 0 ? [plain, `_${plain}`] : [plain];
}

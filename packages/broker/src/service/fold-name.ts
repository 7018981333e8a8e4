/** What servers are known to take for one name: case, compatibility forms, `a[]`, `a.b`, spaces. */
export function fold(name: string): string {
  if (/^[a-z0-9_]+$/.test(name)) return name;
  const [stem = ""] = name.normalize("NFKC").toLowerCase().split("[");
  return stem.trim().replace(/[\s.+-]/g, "_");
}

/** The one of some names that a mistyped one is likely to have meant. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, edits: editsBetween(text, name) }))
    // More, and another word was meant.
    .filter(({ name, edits }) => edits <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.edits - b.edits);
  return best?.name;
}

/** Levenshtein's distance. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, character] of from.split("").entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at += 1) {
      const [left = 0, above = 0, across = 0] = [next[at - 1], row[at], row[at - 1]];
      const same = character === to[at - 1] ? 0 : 1;
      next.push(Math.min(left + 1, above + 1, across + same));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

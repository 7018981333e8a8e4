/** A decision for the runner to be tried on: its test leaves one mutant alive, and one never ends. */
export function mayEnter(age: number, banned: boolean): boolean {
  if (banned) return false;
  return age >= 18;
}

export function countdown(from: number): number {
  let steps = 0;
  for (let at = from; at > 0; at -= 1) steps += 1;
  return steps;
}

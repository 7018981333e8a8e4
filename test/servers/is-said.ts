/**
 * Whether something is missing, which is then said on stderr: a test that is skipped leaves a line behind.
 *
 * @example describe.skipIf(isSaid(redisMissing))("…", () => { … })
 */
export function isSaid(missing: string | undefined): missing is string {
  if (missing !== undefined) console.warn(missing);
  return missing !== undefined;
}

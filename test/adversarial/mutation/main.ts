import { availableParallelism } from "node:os";
import { equivalent } from "./equivalent.ts";
import { type Fate, survey } from "./survey.ts";
import { root, targets } from "./targets.ts";

/**
 * Tries every mutant of the decision code, or of the sources that are named. Exits with 1 when one
 * survives that `equivalent.ts` does not list, or one that it lists does not; with 2 for a name that is
 * no source.
 */
const named = process.argv.slice(2);
const unknown = named.filter((name) => !targets.some(({ source }) => source === name));
if (unknown.length > 0) {
  console.error(`no such source: ${unknown.join(", ")}`);
  process.exit(2);
}
const chosen = targets.filter(({ source }) => named.length === 0 || named.includes(source));
const onFate = ({ fate, name, line }: Fate): void => {
  if (fate === "survived" && !equivalent.has(name)) console.log(`survived, line ${line}: ${name}`);
};
const startedMs = performance.now();
const fates = await survey(chosen, { root, processes: availableParallelism(), onFate });
const names = new Set(fates.filter(({ fate }) => fate === "survived").map(({ name }) => name));
const mine = (name: string): boolean => chosen.some(({ source }) => name.startsWith(`${source} `));
const stale = [...equivalent.keys()].filter((name) => mine(name) && !names.has(name));
for (const name of stale) console.log(`listed, but killed or gone: ${name}`);
const unlisted = [...names].filter((name) => !equivalent.has(name));
const hanging = fates.filter(({ fate }) => fate === "hangs").length;
console.log(
  `${fates.length} mutants: ${fates.length - names.size} killed (${hanging} never ended), ` +
    `${names.size - unlisted.length} equivalent, ${unlisted.length} survived, ` +
    `in ${Math.round((performance.now() - startedMs) / 1000)} s`,
);
process.exitCode = unlisted.length + stale.length === 0 ? 0 : 1;

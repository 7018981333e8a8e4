import { shown } from "./shown.ts";

const FAULTS_KEPT = 5;

/** What occurred how often, and the first cases that were decided wrongly. */
export class Tally {
  readonly #suite: string;
  readonly #rows = new Map<string, Map<string, number>>();
  readonly #faults: string[] = [];

  constructor(suite: string) {
    this.#suite = suite;
  }

  count(row: string, verdict: string): void {
    const verdicts = this.#rows.get(row) ?? new Map<string, number>();
    this.#rows.set(row, verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1));
  }

  wrong(rule: string, example: object): void {
    if (this.#faults.length < FAULTS_KEPT) this.#faults.push(`${rule}: ${shown(example)}`);
  }

  /** Empty when nothing was decided wrongly. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  counts(row: string, verdict: string): number {
    return this.#rows.get(row)?.get(verdict) ?? 0;
  }

  share(row: string, verdict: string): number {
    return this.counts(row, verdict) / this.#total(row);
  }

  print(): void {
    const lines = [...this.#rows].map(([row, verdicts]) => {
      const parts = [...verdicts].map(([verdict, count]) => {
        const percent = ((100 * count) / this.#total(row)).toFixed(1);
        return `${verdict} ${count} (${percent} %)`;
      });
      return `  ${row}: ${parts.join(", ")}`;
    });
    console.log([`${this.#suite}:`, ...lines].join("\n"));
  }

  #total(row: string): number {
    return [...(this.#rows.get(row)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }
}

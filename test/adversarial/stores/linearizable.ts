/** One operation, as whoever asked for it saw it. */
export interface Operation<Input, Output> {
  readonly input: Input;
  /** `undefined`: it never came back, or failed. It may have had its effect, later too, or none. */
  readonly output: Output | undefined;
  /** When it was asked for and when it came back, by one clock for all; `Infinity` where `output` is not known. */
  readonly called: number;
  readonly returned: number;
}

/** What the thing would do if only one operation went on at a time. Its states are never changed. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * The states that an operation may lead to; none when it cannot have this output here. Of an output that is
   * not known, also that it had no effect.
   */
  step(state: State, input: Input, output: Output | undefined): readonly State[];
  /** The same text for the same state, and for no other. */
  key(state: State): string;
}

/**
 * An order of the operations, one at a time, that explains what each came to, and in which none comes
 * before one that had ended when it began; `undefined` when there is none. What Wing and Gong search, with
 * Lowe's memory of where the search has been.
 *
 * @returns Indices into the history. Operations without an output may be left out.
 */
export function linearization<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): readonly number[] | undefined {
  const places = history.map((_, index) => index);
  places.sort((a, b) => calledAt(history, a) - calledAt(history, b));
  const operations = places.flatMap((place) => history[place] ?? []);
  const done = operations.map(() => false);
  const order: number[] = [];
  const seen = new Set<string>();

  const search = (state: State): boolean => {
    const left = [...done.keys()].filter((index) => done[index] === false);
    const open = left.filter((index) => operations[index]?.output !== undefined);
    if (open.length === 0) return true;
    const been = `${left[0]} ${left.at(-1)} ${doneFrom(done, left[0] ?? 0)} ${model.key(state)}`;
    if (seen.has(been)) return false;
    seen.add(been);
    // Nothing that was asked for after one of them had ended comes before that one.
    const firstEnd = Math.min(...open.map((index) => operations[index]?.returned ?? Infinity));
    for (const index of left) {
      const operation = operations[index];
      if (operation === undefined || operation.called > firstEnd) break;
      done[index] = true;
      order.push(places[index] ?? index);
      for (const next of model.step(state, operation.input, operation.output)) {
        if (search(next)) return true;
      }
      order.pop();
      done[index] = false;
    }
    return false;
  };
  return search(model.initial) ? order : undefined;
}

function calledAt(history: readonly Operation<unknown, unknown>[], index: number): number {
  return history[index]?.called ?? 0;
}

/** Which are done behind the first that is not. */
function doneFrom(done: readonly boolean[], first: number): string {
  const behind = done.slice(first).lastIndexOf(true);
  return done
    .slice(first, first + behind + 1)
    .map(Number)
    .join("");
}

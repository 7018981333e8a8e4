/**
 * Shares one run among all who ask while it is under way. Who gives up leaves alone: the others go on
 * waiting, and the run is aborted only when nobody is left. Then the next who asks begins a new one.
 *
 * @param run - Must fail once its signal has aborted, for a newer run may be under way.
 */
export function singleFlight<T>(
  run: (signal: AbortSignal) => Promise<T>,
): (signal?: AbortSignal) => Promise<T> {
  let current: Flight<T> | undefined;
  return async (signal) => {
    signal?.throwIfAborted();
    const flight = (current ??= begin(run));
    flight.waiting += 1;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      // The first to see it ended, or the last to leave.
      const isOver = flight.ended || flight.waiting === 0;
      if (isOver && current === flight) current = undefined;
      if (!flight.ended && isOver) flight.controller.abort();
    }
  };
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
  ended: boolean;
}

function begin<T>(run: (signal: AbortSignal) => Promise<T>): Flight<T> {
  const controller = new AbortController();
  const end = (): void => {
    flight.ended = true;
  };
  const result = run(controller.signal);
  // Also keeps a failure that nobody waits for any more from being an unhandled one.
  result.then(end, end);
  const flight: Flight<T> = { result, controller, waiting: 0, ended: false };
  return flight;
}

/** What a promise brings, or the signal's reason if that comes first. */
export async function orAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Where a record's checkpoints stand: signed notes, one after the other. */
export function checkpointsPath(record: string): string {
  return `${record}.checkpoints`;
}

/** Where it stands which line of a record came where in its tree. */
export function journalPath(record: string): string {
  return `${record}.tree`;
}

import { openPostgresRecord } from "@agent-keys/audit/postgres";

/** Every line of a record in PostgreSQL, in order. */
export async function linesIn(url: string): Promise<string[]> {
  await using record = openPostgresRecord(url);
  const all: string[] = [];
  for await (const batch of record.lines({ order: "oldest" })) {
    all.push(...batch.map(({ line }) => line));
  }
  return all;
}

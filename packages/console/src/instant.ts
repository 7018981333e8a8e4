const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const AGO = /^(\d{1,9}(?:\.\d{1,3})?)([smhdw])$/;
const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads a moment: a duration before now (`10m`, `2h`, `1d`), or an ISO 8601 date or time, in UTC
 * unless it says otherwise, because UTC is what is shown.
 *
 * @returns Milliseconds since the epoch, or `undefined` when it is neither.
 */
export function parseInstant(text: string, nowMs: number): number | undefined {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) {
    return nowMs - Number(count) * (UNIT_MS[unit] ?? 0);
  }
  const [, date, time = "00:00", zone = "Z"] = ISO.exec(text) ?? [];
  if (date === undefined) return undefined;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const instant = Date.parse(`${date}T${time}${offset}`);
  return Number.isNaN(instant) ? undefined : instant;
}

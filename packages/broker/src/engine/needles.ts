/** Every form of a secret that a response is searched for, the longest first. */
export interface Needles {
  readonly bytes: readonly Buffer[];
  /** The same, as header values hold them: one character a byte. */
  readonly texts: readonly string[];
  /** The longest, in bytes. */
  readonly longest: number;
}

/** A shorter form would be found in every second response by chance. */
const SHORTEST_ENCODED = 6;

/**
 * The forms that a secret may be reflected in: as it is; in base64 and base64url at each of the three
 * places it can have in a longer text; percent-encoded; escaped as in JSON.
 */
export function needlesOf(secrets: readonly string[]): Needles {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret === "") continue;
    const raws = bytesOf(secret);
    for (const raw of raws) forms.add(raw.toString("latin1"));
    const encoded = [
      ...raws.flatMap((raw) => [...inBase64(raw), ...percentEncoded(secret, raw)]),
      ...jsonEscaped(secret),
    ];
    for (const form of encoded) if (form.length >= SHORTEST_ENCODED) forms.add(form);
  }
  // The longest first: masking a short form would hide the rest of a longer one around it.
  const texts = [...forms].toSorted((a, b) => b.length - a.length);
  const bytes = texts.map((text) => Buffer.from(text, "latin1"));
  return { bytes, texts, longest: texts[0]?.length ?? 0 };
}

/** In UTF-8, and as a header carries it: a byte for each character up to U+00FF. */
function bytesOf(secret: string): readonly Buffer[] {
  const utf8 = Buffer.from(secret, "utf8");
  const isPlain = utf8.length === secret.length;
  return isPlain || /[^\0-\u00ff]/.test(secret) ? [utf8] : [utf8, Buffer.from(secret, "latin1")];
}

/** What does not depend on the neighbours, which share a character with the first and last bytes. */
function inBase64(raw: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), raw]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    const text = padded.toString("base64").slice(from, to);
    return [text, text.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

function percentEncoded(secret: string, raw: Buffer): readonly string[] {
  const wellFormed = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  const strict = wellFormed.replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  const all = [...raw]
    .map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`)
    .join("");
  const upper = [wellFormed, strict, form, form.replaceAll("+", "%20"), all];
  return upper.flatMap((text) => [
    text,
    text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
  ]);
}

function jsonEscaped(secret: string): readonly string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const slashed = plain.replaceAll("/", String.raw`\/`);
  const html = plain.replaceAll(/[<>&'+=]/g, unicodeEscape);
  return [plain, slashed, html]
    .flatMap((text) => [text, text.replaceAll(/[^ -~]/g, unicodeEscape)])
    .flatMap((text) => [
      text,
      text.replaceAll(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`),
    ])
    .map((text) => Buffer.from(text, "utf8").toString("latin1"));
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

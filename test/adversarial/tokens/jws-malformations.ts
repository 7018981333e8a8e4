/** A valid token in its parts, and whoever signs with its key. */
export interface Parts {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  readonly sign: (text: string) => string;
}

/** What a vector does to a valid token. */
export type Malform = (token: Parts) => string;

/** Those of the compact form, by the vectors' comments. They need no key. */
export const compactMalformations: Readonly<Record<string, Malform>> = {
  acceptsValid: ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}`,
  rejectsModifiedSignature: ({ header: h, payload: p, signature: s }) => `${h}.${p}.X${s.slice(1)}`,
  rejectsMissingSignature: ({ header: h, payload: p }) => `${h}.${p}.`,
  rejectsMissingSignatureAndSeparator: ({ header: h, payload: p }) => `${h}.${p}`,
  rejectsModifiedPayload: ({ header: h, payload: p, signature: s }) => `${h}.${beginWithX(p)}.${s}`,
  rejectsMissingPayload: ({ header: h, signature: s }) => `${h}..${s}`,
  rejectsMissingPayloadAndSeparator: ({ header: h, signature: s }) => `${h}.${s}`,
  rejectsModifiedHeader: ({ header: h, payload: p, signature: s }) =>
    `${rewrite(h, (text) => text.replace(/"kid":"./, '"kid":"X'))}.${p}.${s}`,
  rejectsMissingHeader: ({ payload: p, signature: s }) => `.${p}.${s}`,
  rejectsMissingHeaderAndSeparator: ({ payload: p, signature: s }) => `${p}.${s}`,
  rejectsMissingHeaderAndSignature: ({ payload: p }) => `.${p}.`,
  rejectsMissingHeaderSignatureAndSeparator: ({ payload: p }) => p,
  rejectsMissingHeaderSignatureAndSeparators: ({ payload: p }) => p,
  rejectsEmptyString: () => "",
  rejectsExtraEmptyComponent: ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}.`,
  rejectsExtraComponent: ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}.foo`,
  rejectsNoneAlgorithmAndMissingSignature: ({ header: h, payload: p }) =>
    `${rewrite(h, (text) => text.replace(/"alg":"[^"]*"/, '"alg":"none"'))}.${p}.`,
  rejectsValidJsonSerialization: ({ header: h, payload: p, signature: s }) =>
    JSON.stringify({
      payload: p,
      signatures: [{ protected: h, header: { unknown: "untrustworthy" }, signature: s }],
      // The vector itself ends too early.
    }).slice(0, -2),
};

interface Base64Malformation {
  /** The vector that is malformed, or a text that its key signs. */
  readonly of: number | string;
  readonly malform: Malform;
  /** The file says that something is there, and it is not. */
  readonly lost?: true;
}

const HS256_HEADER = "eyJraWQiOiJoczI1Ni1rZXkiLCJhbGciOiJIUzI1NiJ9";
const same: Malform = ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}`;
const resigned = (text: string, { sign }: Parts): string => `${text}.${sign(text)}`;

/** Those of the base64 group, by the vectors' numbers. */
export const base64Malformations: Readonly<Record<number, Base64Malformation>> = {
  357: { of: 357, malform: same },
  358: { of: 358, malform: same },
  359: { of: 359, malform: same },
  360: { of: 357, malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.    ${s}` },
  361: { of: 357, malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.?${s}` },
  362: { of: 357, malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}?` },
  363: {
    of: 358,
    malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.?${s.slice(1)}`,
  },
  364: {
    of: 359,
    malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.????${s.slice(4)}`,
  },
  365: { of: 357, malform: (token) => resigned(`${token.header}    .${token.payload}`, token) },
  366: { of: 357, malform: (token) => resigned(`${token.header}####.${token.payload}`, token) },
  367: {
    of: 357,
    malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}.${s}==`,
    lost: true,
  },
  368: { of: 357, malform: (token) => resigned(`${token.header}.    ${token.payload}`, token) },
  369: { of: 357, malform: (token) => resigned(`${token.header}.####${token.payload}`, token) },
  370: {
    of: 357,
    malform: (token) => resigned(`${token.header}.${token.payload}=`, token),
    lost: true,
  },
  371: { of: 357, malform: (token) => resigned(`${token.header}.?${token.payload}`, token) },
  372: {
    of: 357,
    malform: ({ header: h, payload: p, signature: s }) =>
      `${h.slice(0, -1)}?${h.slice(-1)}.${p}.${s}`,
  },
  373: { of: 357, malform: ({ header: h, payload: p, signature: s }) => `${h}.${p}?.${s}` },
  374: {
    of: `${HS256_HEADER}.AA`,
    malform: ({ header: h, payload: p, signature: s }) => `${h}.${withSpareBit(p)}.${s}`,
  },
  375: {
    of: `${HS256_HEADER}.AA`,
    malform: (token) => resigned(`${token.header}.${withSpareBit(token.payload)}`, token),
  },
  376: {
    of: 357,
    malform: (token) => resigned(`${rewrite(token.header, spaced)}.${token.payload}`, token),
  },
  377: {
    of: 357,
    malform: (token) =>
      resigned(
        `${rewrite(token.header, (text) => text.replace(",", ",\n\t"))}.${token.payload}`,
        token,
      ),
  },
};

function rewrite(part: string, change: (text: string) => string): string {
  return Buffer.from(change(Buffer.from(part, "base64url").toString())).toString("base64url");
}

function beginWithX(part: string): string {
  const bytes = Buffer.from(part, "base64url");
  bytes[0] = "X".charCodeAt(0);
  return bytes.toString("base64url");
}

/** Sets the last bit of the last character, which stands for nothing. */
function withSpareBit(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(part.slice(-1));
  return part.slice(0, -1) + alphabet.charAt(last | 1);
}

function spaced(json: string): string {
  const members = Object.entries(JSON.parse(json) as Record<string, unknown>);
  const shown = members.map(
    ([name, value]) => `${JSON.stringify(name)} : ${JSON.stringify(value)}`,
  );
  return `{ ${shown.join(", ")} }`;
}

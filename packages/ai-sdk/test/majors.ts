import { ai5 } from "./ai5.ts";
import { ai6 } from "./ai6.ts";
import { ai7 } from "./ai7.ts";
import type { Major } from "./major.ts";

/** Every major that the peer range names. */
export const majors: readonly Major[] = [ai5, ai6, ai7];

/** Those that can ask a person before they execute a tool. */
export const withApproval: readonly Major[] = [ai6, ai7];

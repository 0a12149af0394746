import type { Attack } from "../attack.ts";
import { FLOODS } from "./floods.ts";
import { SLOW_HTTP } from "./slow-http.ts";

export const DENIAL_ATTACKS: readonly Attack[] = [...FLOODS, ...SLOW_HTTP];

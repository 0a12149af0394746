import type { Attack } from "../attack.ts";
import { HANDSHAKE_ATTACKS } from "../handshake/index.ts";

/** All attacks, in the order in which they are tried and shown. */
export const SUITE: readonly Attack[] = [...HANDSHAKE_ATTACKS];

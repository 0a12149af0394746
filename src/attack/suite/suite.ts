import type { Attack } from "../attack.ts";
import { BINDING_ATTACKS } from "../binding/index.ts";
import { CERTIFICATE_ATTACKS } from "../certificates/index.ts";
import { COMMAND_LINE_ATTACKS } from "../command-line/index.ts";
import { DENIAL_ATTACKS } from "../denial-of-service/index.ts";
import { HANDSHAKE_ATTACKS } from "../handshake/index.ts";
import { HTTP_ATTACKS } from "../http/index.ts";
import { LINK_ATTACKS } from "../links/index.ts";
import { MCP_ATTACKS } from "../mcp/index.ts";
import { PAYMENT_ATTACKS } from "../payments/index.ts";
import { PURCHASE_ATTACKS } from "../purchases/index.ts";
import { RAIL_ATTACKS } from "../rails/index.ts";
import { RECORD_ATTACKS } from "../records/index.ts";
import { STORAGE_ATTACKS } from "../storage/index.ts";

/** All attacks, in the order in which they are tried and shown. */
export const SUITE: readonly Attack[] = [
	...HANDSHAKE_ATTACKS,
	...BINDING_ATTACKS,
	...RECORD_ATTACKS,
	...CERTIFICATE_ATTACKS,
	...LINK_ATTACKS,
	...STORAGE_ATTACKS,
	...PAYMENT_ATTACKS,
	...PURCHASE_ATTACKS,
	...RAIL_ATTACKS,
	...COMMAND_LINE_ATTACKS,
	...HTTP_ATTACKS,
	...MCP_ATTACKS,
	...DENIAL_ATTACKS,
];

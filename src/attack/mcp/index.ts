import type { Attack } from "../attack.ts";
import { MODELS } from "./models.ts";
import { STRANGERS } from "./strangers.ts";

export const MCP_ATTACKS: readonly Attack[] = [...MODELS, ...STRANGERS];

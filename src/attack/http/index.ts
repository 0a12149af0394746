import type { Attack } from "../attack.ts";
import { OPERATORS_API } from "./operators-api.ts";

export { statusOf } from "./raw-http.ts";

export const HTTP_ATTACKS: readonly Attack[] = [...OPERATORS_API];

export {
	EVERY_ISSUER,
	networkOf,
	type TetradNetwork,
} from "../../paid/x402/index.ts";
export { type TetradClient, tetradClient } from "./client.ts";
export { keepBody } from "./incoming.ts";
export {
	TetradPayments,
	type TetradPaymentsOptions,
	type TetradPrice,
} from "./payments.ts";
export { type TetradFetchOptions, wrapFetchWithTetrad } from "./wrap-fetch.ts";

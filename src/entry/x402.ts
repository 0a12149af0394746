/** `tetrad/x402`: requests of HTTP that are paid by purchases, with the stock packages of x402 on either side or with a `fetch` that pays. */
export {
	EVERY_ISSUER,
	keepBody,
	networkOf,
	type TetradClient,
	type TetradFetchOptions,
	type TetradNetwork,
	TetradPayments,
	type TetradPaymentsOptions,
	type TetradPrice,
	tetradClient,
	wrapFetchWithTetrad,
} from "../http/x402/index.ts";
export type {
	PaidAnswersOptions,
	PaidMode,
	PaidRequestsOptions,
} from "../paid/index.ts";

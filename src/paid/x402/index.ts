export {
	type Chosen,
	chooseWay,
	paymentOf,
	refusalIn,
	settledOf,
} from "./payment.ts";
export {
	EVERY_ISSUER,
	isPurchase,
	modeIn,
	networkOf,
	type PaymentRequired,
	parsePayload,
	parsePaymentRequired,
	parseWay,
	paymentIn,
	SCHEME,
	type TetradNetwork,
	TIMEOUT_SECONDS,
	termsOf,
	wayOf,
} from "./ways.ts";

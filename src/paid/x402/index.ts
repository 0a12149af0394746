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
	networkOf,
	type PaymentRequired,
	parsePayload,
	parsePaymentRequired,
	parseWay,
	paymentIn,
	SCHEME,
	type TetradNetwork,
	termsOf,
	type Way,
	wayOf,
} from "./ways.ts";

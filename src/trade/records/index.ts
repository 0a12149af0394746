export { logged } from "./log.ts";
export {
	beginPurchase,
	concludePurchase,
	type NewPurchase,
	type PurchaseOutcome,
	readConcluded,
	readProvisional,
	readPurchase,
	readPurchaseOf,
} from "./purchases.ts";
export {
	gotRefund,
	oweRefund,
	oweRest,
	payRefund,
	type RefundGiver,
	readComeBack,
	readRefund,
} from "./refunds.ts";
export {
	beginMade,
	contractMade,
	forgetMade,
	MAX_UNPAID,
	paidModule,
	readSale,
	recordSale,
} from "./sales.ts";
export {
	AGENT_SCHEMA,
	MADE,
	PURCHASES,
	type PurchaseRow,
	REFUNDS,
	type RefundRow,
	SALES,
	type SaleRow,
	type TicketRow,
} from "./tables.ts";
export {
	answerTicket,
	beginTicket,
	contractAnswer,
	cutTickets,
	failTicket,
	forgetTickets,
	hasAnswer,
	makeTicket,
	readOwedTickets,
	readTicket,
	refundTicket,
	sellAnswer,
	type TicketUse,
} from "./tickets.ts";
export {
	beginWork,
	dropWork,
	forgetWorks,
	leaveWork,
	type WorkBegun,
} from "./works.ts";

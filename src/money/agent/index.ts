export type {
	AgentPaymentsEffect,
	AgentPaymentsEvent,
	PaymentAsk,
	ReceiptedPayment,
} from "./agent-events.ts";
export { AgentPayments } from "./agent-payments.ts";
export { WITNESSED, witnessing } from "./agent-tables.ts";

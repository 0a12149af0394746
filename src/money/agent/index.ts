export type {
	AgentPaymentsEffect,
	AgentPaymentsEvent,
	PaymentAsk,
	ReceiptedPayment,
} from "./agent-events.ts";
export { AgentPayments } from "./agent-payments.ts";
export { readWitnessed, WITNESSED, witnessing } from "./agent-tables.ts";

export {
	AgentPayments,
	type AgentPaymentsEffect,
	type AgentPaymentsEvent,
	type PaymentAsk,
	type ReceiptedPayment,
} from "./agent-payments.ts";
export { AGENT_SCHEMA, WITNESSED, witnessing } from "./agent-tables.ts";

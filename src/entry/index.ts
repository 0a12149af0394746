/** The paved path: four devices, one conversation. The rooms have entries of their own (`tetrad/session`, …). */
export {
	type Carrier,
	connect,
	type Listener,
	listen,
	memoryCarriers,
} from "../carrier/index.ts";
export { SoftwareAuthority } from "../device/authority/index.ts";
export {
	AgentStore,
	type PaidPayment,
	Payments,
	type PaymentsOptions,
	Purse,
	type PurseBalance,
	type PurseChange,
	type PurseIssuer,
	type PurseNote,
	type PurseOptions,
	type Undeposited,
	type Witness,
} from "../device/purse/index.ts";
export {
	type AcceptOptions,
	type AgentAccess,
	type Channel,
	type ClockOptions,
	type ConnectOptions,
	type DeviceIdentity,
	type DeviceOptions,
	type ListEvent,
	type ListStore,
	type ModuleAccess,
	type ModuleLinkEvent,
	type ModulePairOptions,
	type MoneyHolder,
	MoneyModule,
	type MoneyModuleOptions,
	type Paired,
	type PairOptions,
	type PurseHost,
	pairInProcess,
	type Tetrad,
	type TetradEvent,
	TrustedAgent,
} from "../device/runtime/index.ts";
export { type ErrorCode, type ErrorFamily, TetradError } from "../errors.ts";
export {
	type Currency,
	formatAmount,
	type Head,
	type IssuerTerms,
	type Payment,
	type PurseReport,
	parseAmount,
	type ReceiptedPayment,
} from "../money/index.ts";
export { makePolicy, type Policy } from "../tetrad/index.ts";

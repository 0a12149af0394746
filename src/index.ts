/** The paved path: four devices, one conversation. The rooms have entries of their own (`tetrad/session`, …). */
export {
	type Carrier,
	connect,
	type Listener,
	listen,
	memoryCarriers,
} from "./carrier/index.ts";
export { SoftwareAuthority } from "./device/authority/software-authority.ts";
export {
	type Payment,
	Payments,
	type PaymentsOptions,
	type Settled,
} from "./device/purse/payments.ts";
export { Purse, type PurseOptions } from "./device/purse/purse.ts";
export type { PurseIssuer } from "./device/purse/purse-home.ts";
export type {
	PurseBalance,
	PurseChange,
	PurseNote,
} from "./device/purse/purse-view.ts";
export { type Witness, WitnessFile } from "./device/purse/witness-file.ts";
export type { Channel } from "./device/runtime/channel.ts";
export type {
	DeviceIdentity,
	DeviceOptions,
} from "./device/runtime/identity.ts";
export { pairInProcess } from "./device/runtime/in-process.ts";
export {
	type AgentAccess,
	MoneyModule,
	type MoneyModuleOptions,
} from "./device/runtime/money-module.ts";
export type { Paired, PairOptions } from "./device/runtime/pairing-run.ts";
export type { Tetrad, TetradEvent } from "./device/runtime/tetrad.ts";
export {
	type AcceptOptions,
	type ConnectOptions,
	type ModuleAccess,
	TrustedAgent,
} from "./device/runtime/trusted-agent.ts";
export { type ErrorCode, type ErrorFamily, TetradError } from "./errors.ts";
export {
	type Currency,
	formatAmount,
	type IssuerTerms,
	type PurseReport,
	parseAmount,
} from "./money/index.ts";
export { makePolicy, type Policy } from "./tetrad/index.ts";

/** The paved path: four devices, one conversation. The rooms have entries of their own (`tetrad/session`, …). */
export {
	type Carrier,
	connect,
	type Listener,
	listen,
	memoryCarriers,
} from "./carrier/index.ts";
export type { Channel } from "./device/channel.ts";
export type { DeviceIdentity, DeviceOptions } from "./device/identity.ts";
export { pairInProcess } from "./device/in-process.ts";
export {
	type AgentAccess,
	MoneyModule,
	type MoneyModuleOptions,
} from "./device/money-module.ts";
export type { Paired, PairOptions } from "./device/pairing-run.ts";
export {
	type Payment,
	Payments,
	type PaymentsOptions,
	type Settled,
} from "./device/payments.ts";
export { Purse, type PurseOptions } from "./device/purse.ts";
export type { PurseIssuer } from "./device/purse-home.ts";
export type {
	PurseBalance,
	PurseChange,
	PurseNote,
} from "./device/purse-view.ts";
export { SoftwareAuthority } from "./device/software-authority.ts";
export type { Tetrad, TetradEvent } from "./device/tetrad.ts";
export {
	type AcceptOptions,
	type ConnectOptions,
	type ModuleAccess,
	TrustedAgent,
} from "./device/trusted-agent.ts";
export { type Witness, WitnessFile } from "./device/witness-file.ts";
export { type ErrorCode, type ErrorFamily, TetradError } from "./errors.ts";
export {
	type Currency,
	formatAmount,
	type IssuerTerms,
	type PurseReport,
	parseAmount,
} from "./money/index.ts";
export { makePolicy, type Policy } from "./tetrad/index.ts";

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
export { SoftwareAuthority } from "./device/software-authority.ts";
export type { Tetrad, TetradEvent } from "./device/tetrad.ts";
export {
	type AcceptOptions,
	type ConnectOptions,
	type ModuleAccess,
	TrustedAgent,
} from "./device/trusted-agent.ts";
export { type ErrorCode, type ErrorFamily, TetradError } from "./errors.ts";
export { makePolicy, type Policy } from "./tetrad/index.ts";

export { aborted, Channel } from "./channel.ts";
export { type ClockOptions, DeviceClock, requireNotBehind } from "./clock.ts";
export { Driver, type Handlers } from "./driver.ts";
export {
	type DeviceIdentity,
	type DeviceOptions,
	makeDevice,
} from "./identity.ts";
export { pairInProcess } from "./in-process.ts";
export {
	type ListEvent,
	ListKeeper,
	type ListStore,
	restoreLists,
} from "./list-keeper.ts";
export { MoneyDriver, type MoneyDriverOptions } from "./money-driver.ts";
export {
	type AgentAccess,
	type MoneyHolder,
	MoneyModule,
	type MoneyModuleOptions,
	type PurseHost,
} from "./money-module.ts";
export { MoneySender } from "./money-sender.ts";
export {
	MAX_OWN_MODULES,
	type ModuleAccess,
	type ModuleLinkEvent,
} from "./own-modules.ts";
export type { ModulePairOptions, Paired, PairOptions } from "./pairing-run.ts";
export { connectPatiently } from "./patience.ts";
export { signFor } from "./signing.ts";
export type { Tetrad, TetradEvent } from "./tetrad.ts";
export {
	type AcceptOptions,
	type ConnectOptions,
	TrustedAgent,
} from "./trusted-agent.ts";
export { untilAborted } from "./until-aborted.ts";

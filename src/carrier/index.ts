export type { Address, TcpAddress, UnixAddress } from "./address.ts";
export { formatAddress, parseAddress } from "./address.ts";
export type { Carrier, CarrierReceiver } from "./carrier.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { FrameSplitter } from "./frame-splitter.ts";
export {
	CARRIER_LIMITS,
	type CarrierLimits,
	LISTENER_LIMITS,
} from "./limits.ts";
export {
	bindPrivately,
	type Listener,
	type ListenOptions,
	listen,
} from "./listen.ts";
export { memoryCarriers } from "./memory.ts";

export type { HostileDevices } from "./hostile-device.ts";
export { HostileSide } from "./hostile-side.ts";
export {
	type HostileHooks,
	HostileTetrad,
	type LinkWords,
	spoken,
	withBody,
} from "./hostile-tetrad.ts";
export { HostileListener, HostileWire } from "./hostile-wire.ts";

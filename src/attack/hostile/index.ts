export { HostileSide } from "./hostile-side.ts";
export { HostileTetrad, spoken } from "./hostile-tetrad.ts";
export { HostileWire } from "./hostile-wire.ts";

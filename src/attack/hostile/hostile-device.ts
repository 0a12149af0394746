import type { Signer } from "../../identity/index.ts";
import type { DeviceContext } from "../../tetrad/index.ts";

/** A certified device in hostile hands: with its key, and free to say what it likes. */
export interface HostileDevice {
	readonly context: DeviceContext;
	readonly signer: Signer;
}

/** The two devices of one side. */
export interface HostileDevices {
	readonly agent: HostileDevice;
	readonly module: HostileDevice;
}

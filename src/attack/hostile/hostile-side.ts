import type { TcpAddress } from "../../carrier/index.ts";
import { readHome } from "../../device/home/index.ts";
import { type DeviceOptions, makeDevice } from "../../device/runtime/index.ts";
import { type Side, secretsOfSide } from "../../device/side/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import type { HostileDevice, HostileDevices } from "./hostile-device.ts";
import { HostileTetrad, spoken } from "./hostile-tetrad.ts";
import { HostileWire } from "./hostile-wire.ts";

/** A certified agent and its certified module in the hands of one attacker. */
export class HostileSide implements HostileDevices, AsyncDisposable {
	/** The side whose devices they are; nobody else uses it. */
	readonly side: Side;
	readonly agent: HostileDevice;
	readonly module: HostileDevice;
	readonly #homes: AsyncDisposableStack;

	private constructor(
		side: Side,
		devices: HostileDevices,
		homes: AsyncDisposableStack,
	) {
		this.side = side;
		this.agent = devices.agent;
		this.module = devices.module;
		this.#homes = homes;
	}

	/** Takes both homes. Throws as `readHome` does. */
	static async open(side: Side): Promise<HostileSide> {
		await using stack = new AsyncDisposableStack();
		const device = async (role: "agent" | "module"): Promise<HostileDevice> => {
			const home = stack.use(
				await readHome(side[role].home, role, secretsOfSide(side, role)),
			);
			const { identity, policy, clock } = home;
			const { context } = makeDevice(role, { identity, policy, clock });
			return { context, signer: identity.signer };
		};
		const devices = {
			agent: await device("agent"),
			module: await device("module"),
		};
		return new HostileSide(side, devices, stack.move());
	}

	/** What a device of the product is made of that has the key and the chain of one of the two. */
	options(role: "agent" | "module"): DeviceOptions {
		const { context, signer } = this[role];
		return {
			identity: { signer, chain: context.own.encodedChain },
			policy: context.policy,
		};
	}

	/**
	 * Behaves for once: calls a merchant, and asks what it sells. Resolves with why that does not
	 * work, or with `undefined`.
	 */
	async honestly(
		merchant: TcpAddress,
		signal: AbortSignal,
	): Promise<string | undefined> {
		await using wire = await HostileWire.connect(merchant, signal);
		const tetrad = HostileTetrad.calling(this, wire);
		const end = await tetrad.establish();
		if (end !== "confirmed") return `an honest caller is not let in: ${end}`;
		const answer = await tetrad.ask(
			spoken(BETWEEN_AGENTS.list, { after: undefined }),
		);
		return answer === undefined
			? "an honest question is not answered"
			: undefined;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#homes.disposeAsync();
	}
}

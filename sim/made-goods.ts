/*
 * Goods that a merchant's agent makes on order, and keeps for whoever has paid, as `MadeGoods` of
 * `src/device/trade` does. They are files: those that are whole are durable, and a backup that is
 * put back has the store of an agent and leaves them as they are.
 */
import { TetradError } from "../src/errors.ts";
import type { Goods } from "../src/trade/agent/index.ts";
import {
	beginMade,
	contractMade,
	forgetMade,
	MAX_UNPAID,
} from "../src/trade/records/index.ts";
import { hex } from "../src/wire/index.ts";
import type { Device } from "./device.ts";
import type { Side } from "./side.ts";
import { transact } from "./trading.ts";

/** As in `src/device/trade/limits.ts`. */
const MADE_FORGOTTEN_MS = 31 * 86_400_000;
const MAX_MAKING = 16;
const FORGET_AT_ONCE = 1000;

/** What making some goods comes to. */
interface Wanted {
	readonly made: (content: Uint8Array) => void;
	readonly failed: (error: TetradError) => void;
	/** Whether nobody waits for them any more. */
	readonly isOver: () => boolean;
}

/** Whole files, by the id of their contract in hexadecimal. */
export type MadeFiles = Map<string, Uint8Array>;

/** Those of an agent, in one life of its process. */
export class MadeGoods {
	readonly #side: Side;
	readonly #making = new Set<string>();

	constructor(side: Side) {
		this.#side = side;
	}

	/** What was made for a contract, if it is still there. */
	again(contractId: Uint8Array): Uint8Array | undefined {
		return this.#side.made.get(hex(contractId));
	}

	/** Makes goods, once for each contract. */
	make(goods: Goods, wanted: Wanted): void {
		const { contractId, description, buyer } = goods;
		const name = hex(contractId);
		const device = this.#device;
		if (this.#making.has(name))
			return wanted.failed(new TetradError("busy", "it is being made already"));
		if (this.#making.size >= MAX_MAKING)
			return wanted.failed(new TetradError("busy", "too much is being made"));
		this.#forget(() =>
			transact(
				device,
				beginMade({
					id: contractId,
					buyer: buyer.deviceId,
					time: BigInt(device.now()),
					item: description.name,
					wanted: description.order,
				}),
				(isAllowed) => {
					if (!isAllowed)
						return wanted.failed(
							new TetradError(
								"limit-exceeded",
								`${MAX_UNPAID} orders of this buyer were made and not paid for`,
							),
						);
					this.#making.add(name);
					this.#work(goods, wanted);
				},
				wanted.failed,
			),
		);
	}

	/** The contract is signed under which they are sold. */
	contracted(contractId: Uint8Array, hash: Uint8Array): void {
		if (this.again(contractId) !== undefined)
			transact(this.#device, contractMade(contractId, hash), () => {});
	}

	get #device(): Device {
		return this.#side.agent;
	}

	#work(
		{ contractId, description }: Goods,
		{ made, failed, isOver }: Wanted,
	): void {
		const { world, name: merchant } = this.#side;
		const name = hex(contractId);
		const device = this.#device;
		const stream = world.stream(`made by ${merchant}`);
		const content = world.canaried(stream);
		const over = (outcome: () => void): void => {
			this.#making.delete(name);
			outcome();
		};
		if (stream.chance(0.1)) {
			return device.later(
				() =>
					over(() => failed(new TetradError("busy", "nothing comes of it"))),
				20,
			);
		}
		// Somebody works on it, and then it is written.
		const wait = stream.pick([1, 50, 3000]) + world.syncMs(device);
		device.later(() => {
			if (isOver())
				return over(() =>
					failed(new TetradError("aborted", "nobody waits for it any more")),
				);
			if (device.mayCrash("what it made is whole")) return;
			this.#side.made.set(name, content);
			world.checks.made(this.#side, contractId, description);
			over(() => made(content));
		}, wait);
	}

	/** Takes away what nobody can pay for any more. */
	#forget(then: () => void): void {
		const device = this.#device;
		transact(
			device,
			forgetMade(device.now() - MADE_FORGOTTEN_MS, FORGET_AT_ONCE),
			(ids) => {
				for (const id of ids) {
					this.#side.made.delete(hex(id));
					this.#side.world.count("made goods forgotten");
				}
				if (ids.length < FORGET_AT_ONCE) then();
				else this.#forget(then);
			},
			then,
		);
	}
}

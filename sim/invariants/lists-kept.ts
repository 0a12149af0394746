import { PLACES } from "../../src/tetrad/index.ts";
import type { Device } from "../device.ts";
import type { Tetrad } from "../tetrad.ts";
import type { MakeInvariant } from "./invariant.ts";

/** Nobody makes a tetrad with a device that is on a list that it holds, or says anything in one. */
export const listsKept: MakeInvariant = (_, fail) => {
	const check = (device: Device, { parties }: Tetrad) => {
		if (!device.isUp) return;
		const { lists } = device.context.verdicts;
		for (const place of PLACES)
			try {
				lists.requireTrusted(parties[place].path);
			} catch {
				fail(
					`${device.name} is in a tetrad with ${parties[place].name}, which is on a list that it holds`,
				);
			}
	};
	/** Lists that a device held when it last said something in a tetrad. */
	const checked = new WeakMap<Tetrad, number>();
	return {
		confirmed: check,
		said(device, _to, _bytes, tetrad) {
			if (!device.isUp) return;
			const { generation } = device.context.verdicts.lists;
			if (checked.get(tetrad) === generation) return;
			checked.set(tetrad, generation);
			check(device, tetrad);
		},
	};
};

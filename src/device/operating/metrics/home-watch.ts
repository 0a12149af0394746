import { join } from "node:path";
import { type DeviceRole, parseCertificate } from "../../../identity/index.ts";
import {
	listStatus,
	readCertificates,
	readDeviceFile,
} from "../../home/index.ts";
import {
	hasPurse,
	type PurseQueues,
	readOrders,
	viewBehind,
	viewPurse,
	viewQueues,
} from "../../purse/index.ts";
import { countUnfinished } from "../../trade/index.ts";

/** Up to this many of a kind are counted: a queue that long says enough. */
const MAX_COUNTED = 10_000;

/** How long what was seen is shown again, in milliseconds: whoever asks in a loop costs no more than one who does not. */
const SHOWN_MS = 5_000;

/** What the home of a device says of it at one moment. Times are in milliseconds since the epoch. */
export interface HomeSight {
	readonly role: DeviceRole;
	/** When its certificate expires. */
	readonly expires: number;
	/** When the first of its untrusted lists should have been replaced; absent when it holds none. */
	readonly listsDue: number | undefined;
	/** Of a module that has a purse. */
	readonly purse:
		| (PurseQueues & { readonly orders: number; readonly isBehind: boolean })
		| undefined;
	/** Of an agent: purchases that are not over, and refunds that it owes. */
	readonly agent:
		| { readonly purchases: number; readonly refunds: number }
		| undefined;
}

/** Looks at a home while its device runs, and not oftener than is of use. */
export class HomeWatch {
	readonly #home: string;
	#seen:
		| { readonly at: number; readonly sight: Promise<HomeSight> }
		| undefined;

	constructor(home: string) {
		this.#home = home;
	}

	/** Rejects with why nothing can be seen. */
	look(): Promise<HomeSight> {
		const at = performance.now();
		if (this.#seen === undefined || at - this.#seen.at > SHOWN_MS)
			this.#seen = { at, sight: look(this.#home) };
		return this.#seen.sight;
	}
}

async function look(home: string): Promise<HomeSight> {
	const { role, chain = "chain.pem" } = await readDeviceFile(home);
	const [leaf = new Uint8Array()] = await readCertificates(join(home, chain));
	const due = (await listStatus(home)).flatMap(({ list }) =>
		list === undefined ? [] : [list.nextUpdate],
	);
	return {
		role,
		expires: parseCertificate(leaf).notAfter,
		listsDue: due.length === 0 ? undefined : Math.min(...due),
		purse:
			role === "module" && (await hasPurse(home))
				? await lookAtPurse(home)
				: undefined,
		agent:
			role === "agent" ? await countUnfinished(home, MAX_COUNTED) : undefined,
	};
}

async function lookAtPurse(home: string): Promise<HomeSight["purse"]> {
	await using view = await viewPurse(home);
	return {
		...(await viewQueues(view.store, MAX_COUNTED)),
		orders: (await readOrders(home)).length,
		isBehind: (await viewBehind(view.store)) !== undefined,
	};
}

/* What the owner of several modules sees of their purses: all of it, and of each which module it is of. */
import { TetradError } from "../../errors.ts";
import type { SecretSource } from "../../keys/index.ts";
import { hex } from "../../wire/index.ts";
import { readDeviceFile } from "../home/index.ts";
import type {
	Approval,
	Balance,
	Decision,
	HistoryEntry,
} from "./agent-service.ts";
import { decideIn } from "./deciding.ts";
import { approvalOf, balancesIn, historyIn, waitingIn } from "./purse-views.ts";

/** The homes of an agent's modules that are on this machine, that of the first one first. */
type Homes = readonly [string, ...string[]];

/** Throws `home-unusable` where it is not known of one of them where that is. */
export function homesOfModules({
	moduleHome,
	furtherModules = [],
}: {
	readonly moduleHome?: string | undefined;
	readonly furtherModules?:
		| readonly { readonly home?: string | undefined }[]
		| undefined;
}): Homes {
	const found = [moduleHome, ...furtherModules.map(({ home }) => home)];
	const [first, ...others] = found.filter((home) => home !== undefined);
	if (first === undefined || others.length < furtherModules.length)
		throw new TetradError(
			"home-unusable",
			"it is not known where the home of the module is on this machine, so that its purse cannot be looked at",
		);
	return [first, ...others];
}

/** What they hold, one balance for each issuer and module. */
export function balancesInAll(homes: Homes): Promise<Balance[]> {
	return ofEach(homes, balancesIn);
}

/** What has changed in them, the newest first. */
export async function historyInAll(
	homes: Homes,
	limit: number,
): Promise<HistoryEntry[]> {
	const all = await ofEach(homes, (home) => historyIn(home, limit));
	if (homes.length === 1) return all;
	// What one purse wrote down stays in its order, whatever its clock said.
	return all
		.toSorted((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0))
		.slice(0, limit);
}

/** What waits for their owner. */
export function approvalsInAll(homes: Homes): Promise<Approval[]> {
	return ofEach(homes, async (home) =>
		(await waitingIn(home)).map((waits) => approvalOf(waits)),
	);
}

/** Approves or denies, as its owner, what waits in one of them and whose contract begins so. */
export async function decideInAll(
	homes: Homes,
	beginning: string,
	isApproved: boolean,
	owner: SecretSource,
): Promise<Decision> {
	const [first] = homes;
	const waits = await Promise.all(
		homes.map(async (home) =>
			(await waitingIn(home)).some(({ payment }) =>
				hex(payment.contract).startsWith(beginning),
			),
		),
	);
	const home = homes[waits.indexOf(true)] ?? first;
	return decideIn(home, beginning, isApproved, owner);
}

/** Of several modules, each entry says of which it is. */
async function ofEach<Entry extends { readonly module?: string | undefined }>(
	homes: Homes,
	read: (home: string) => Promise<readonly Entry[]>,
): Promise<Entry[]> {
	const all = await Promise.all(
		homes.map(async (home) => {
			const entries = await read(home);
			if (homes.length === 1) return entries;
			const { name: module } = await readDeviceFile(home, "module");
			return entries.map((entry) => ({ ...entry, module }));
		}),
	);
	return all.flat();
}

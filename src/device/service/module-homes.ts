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
import { chosen } from "./chosen.ts";
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
export async function balancesInAll(homes: Homes): Promise<Balance[]> {
	return (await eachOf(homes, balancesIn)).flat();
}

/** What has changed in them, the newest first. */
export async function historyInAll(
	homes: Homes,
	limit: number,
): Promise<HistoryEntry[]> {
	const each = await eachOf(homes, (home) => historyIn(home, limit));
	return newestOf(each, limit);
}

/** The newest of several lists, each with its newest first. What one purse wrote down stays in its order, whatever its clock said. */
export function newestOf<Entry extends { readonly time: string }>(
	lists: readonly (readonly Entry[])[],
	limit: number,
): Entry[] {
	const left = lists.map((list) => [...list].reverse());
	const found: Entry[] = [];
	while (found.length < limit) {
		const [first, ...others] = left.filter((list) => list.length > 0);
		if (first === undefined) break;
		const time = (list: readonly Entry[]) => list.at(-1)?.time ?? "";
		const newest = others.reduce(
			(best, list) => (time(list) > time(best) ? list : best),
			first,
		);
		found.push(...newest.splice(-1));
	}
	return found;
}

/** What waits for their owner. */
export async function approvalsInAll(homes: Homes): Promise<Approval[]> {
	const each = await eachOf(homes, async (home) =>
		(await waitingIn(home)).map((waits) => approvalOf(waits)),
	);
	return each.flat();
}

/** Approves or denies, as its owner, what waits in one of them and whose contract begins so. Throws `invalid-argument` where nothing does, and where more than one does. */
export async function decideInAll(
	homes: Homes,
	beginning: string,
	isApproved: boolean,
	owner: SecretSource,
): Promise<Decision> {
	const home = await homeOfWaiting(homes, beginning);
	return decideIn(home, beginning, isApproved, owner);
}

/** In which of them the one payment waits whose contract begins so. Throws as `decideInAll`. */
export async function homeOfWaiting(
	homes: Homes,
	beginning: string,
): Promise<string> {
	const [first] = homes;
	if (homes.length === 1) return first;
	const waits = await Promise.all(
		homes.map(async (home) =>
			(await waitingIn(home)).map(({ payment }) => ({
				home,
				contract: hex(payment.contract),
			})),
		),
	);
	const { home } = chosen(waits.flat(), beginning, {
		id: ({ contract }) => contract,
		what: "contract that waits",
		see: homes.map((home) => `tetrad approvals --home ${home}`).join(", or "),
	});
	return home;
}

/** Of several modules, each entry says of which it is. */
function eachOf<Entry extends { readonly module?: string | undefined }>(
	homes: Homes,
	read: (home: string) => Promise<readonly Entry[]>,
): Promise<(readonly Entry[])[]> {
	return Promise.all(
		homes.map(async (home) => {
			const entries = await read(home);
			if (homes.length === 1) return entries;
			const { name: module } = await readDeviceFile(home, "module");
			return entries.map((entry) => ({ ...entry, module }));
		}),
	);
}

/* What has to do with money: the purse of a buyer or a shop, and the issuer of an issuer. */
import { formatAmount } from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { readDeviceFile } from "../home/index.ts";
import { readIssuerSettings } from "../issuer/index.ts";
import {
	hasAgentStore,
	hasPurse,
	moduleKeyOf,
	readIssuerTerms,
	viewBalances,
	viewBehind,
	viewPurse,
	viewSpending,
} from "../purse/index.ts";
import {
	FolderCatalogue,
	parseTaken,
	pricingOf,
	takenMoneys,
	viewPurchases,
} from "../trade/index.ts";
import {
	type Check,
	type Finding,
	fine,
	note,
	type Patient,
	wrong,
} from "./check.ts";

/** Purchases that are looked through for what is not over, the newest. */
const MAX_PURCHASES = 10_000;

/** The home of a module that should have a purse: that of a side which is no issuer's, or one that has a purse. */
async function purseHome({
	side,
	devices,
}: Patient): Promise<string | undefined> {
	const module = devices.find(({ role }) => role === "module");
	if (module === undefined || side?.kind === "issuer") return undefined;
	await readDeviceFile(module.home, "module");
	const isExpected = side !== undefined || (await hasPurse(module.home));
	return isExpected ? module.home : undefined;
}

export const PURSE: Check = {
	name: "purse",
	ofModule: "alone",
	async look(patient) {
		const home = await purseHome(patient);
		if (home === undefined) return [];
		if (!(await hasPurse(home)))
			return [
				wrong(
					"there is none in the module's home",
					`make one with: tetrad purse create --home ${home} --issuer issuer.terms.json`,
				),
			];
		await using view = await viewPurse(home);
		const found: Finding[] = [];
		const behind = await viewBehind(view.store);
		if (behind !== undefined)
			found.push(
				wrong(
					behind.isRestored
						? "it was restored from a backup, and pays nothing that it had then"
						: "a witness knows another state of it: it was put back or copied, and pays nothing",
					"put the newest copy of its home back; docs/money.md says what to do without one",
				),
			);
		const key = await moduleKeyOf(home);
		const balances = await viewBalances(
			view.store,
			view.issuers,
			patient.machine.now(),
			{ key },
		);
		for (const { terms, ...sums } of balances) {
			const text = (amount: bigint) =>
				`${formatAmount(amount, terms.currency)} ${terms.currency.code} of ${terms.name}`;
			if (
				sums.heldBecause === "issuer-not-met" ||
				sums.heldBecause === "earlier-key"
			)
				found.push(
					note(
						`${text(sums.held)} cannot be paid with until the issuer was met`,
						"settle with: tetrad agent --settle, or let the side run",
					),
				);
			if (sums.inDoubt > 0n)
				found.push(
					note(
						`${text(sums.inDoubt)} is in doubt`,
						"it ends at the next meeting with the issuer; tetrad resolve asks at once",
					),
				);
			if (sums.toClaim > 0n)
				found.push(
					note(
						`${text(sums.toClaim)} is left of notes that have expired`,
						"let the module meet its issuer, which gives it back while the grace lasts",
					),
				);
			found.push(
				sums.spendable === 0n && patient.side?.kind === "buyer"
					? note(
							`has nothing of ${terms.name} to spend`,
							"withdraw with: tetrad purse withdraw AMOUNT",
						)
					: fine(`${text(sums.spendable)} to spend`),
			);
		}
		return found;
	},
};

export const TERMS: Check = {
	name: "issuer's terms",
	ofModule: "alone",
	async look(patient) {
		const { side } = patient;
		const home = await purseHome(patient);
		if (side?.issuer === undefined || home === undefined) return [];
		const terms = await readIssuerTerms(side.issuer.termsPath);
		if (!(await hasPurse(home))) return [];
		await using view = await viewPurse(home);
		return view.issuers.some(({ issuer }) => sameBytes(issuer, terms.issuer))
			? [fine(`are those of ${terms.name}, whose money the purse takes`)]
			: [
					wrong(
						`the settings name the money of ${terms.name}, and the purse takes none of it`,
						`name the terms that the purse was made with in ${side.path}/tetrad.toml`,
					),
				];
	},
};

export const PURCHASES: Check = {
	name: "purchases",
	async look({ side, devices, machine }) {
		const agent = devices.find(({ role }) => role === "agent");
		if (agent === undefined || side?.kind === "issuer") return [];
		if (!(await hasAgentStore(agent.home))) return [];
		const purchases = await viewPurchases(agent.home, MAX_PURCHASES);
		const open = purchases.filter(({ row }) => row.state === "provisional");
		const late = open.filter(({ contract }) => contract.bookBy < machine.now());
		if (late.length > 0)
			return [
				wrong(
					`${late.length} in doubt could have been booked until a time that is over`,
					"ask the issuer what became of them: tetrad resolve",
				),
			];
		return [
			open.length > 0
				? note(
						`${open.length} not over`,
						"they go on by themselves at the next meeting with the issuer; tetrad resolve asks at once",
					)
				: fine("none is in doubt"),
		];
	},
};

export const APPROVALS: Check = {
	name: "approvals",
	ofModule: "alone",
	async look(patient) {
		const home = await purseHome(patient);
		if (home === undefined || !(await hasPurse(home))) return [];
		await using view = await viewPurse(home);
		const { waiting } = await viewSpending(view.store, patient.machine.now());
		const undecided = waiting.filter(({ state }) => state === "waiting").length;
		return undecided === 0
			? [fine("no payment waits for you")]
			: [
					note(
						`${undecided} payments wait for you`,
						"see them with: tetrad approvals",
					),
				];
	},
};

export const GOODS: Check = {
	name: "goods",
	async look({ side }) {
		if (side?.sell === undefined || side.issuer === undefined) return [];
		const { folder, price, take = "notes" } = side.sell;
		const terms = await readIssuerTerms(side.issuer.termsPath);
		const moneys = takenMoneys(parseTaken(take), terms);
		const catalogue = await FolderCatalogue.read(
			folder,
			pricingOf(moneys, price),
		);
		const [first] = catalogue.notOffered;
		if (first !== undefined)
			return [
				note(
					`${catalogue.notOffered.length} files of ${folder} are not offered, such as ${first.path}: ${first.why}`,
				),
			];
		return [
			catalogue.size === 0
				? note(`there is nothing to sell in ${folder}`)
				: fine(`${catalogue.size} items in ${folder}`),
		];
	},
};

export const ISSUER_HOME: Check = {
	name: "issuer",
	async look({ side, devices }) {
		const module = devices.find(({ role }) => role === "module");
		if (side?.kind !== "issuer" || module === undefined) return [];
		const { currency, isPlay } = await readIssuerSettings(module.home);
		return [
			fine(`makes ${currency.code}${isPlay ? ", which is play money" : ""}`),
		];
	},
};

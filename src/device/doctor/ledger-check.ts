/* The servers of PostgreSQL that may have the ledger of an issuer. */
import {
	examineLedger,
	type LedgerServers,
	readIssuerSettings,
} from "../issuer/index.ts";
import { type Check, type Finding, fine, note, wrong } from "./check.ts";

export const LEDGER: Check = {
	name: "ledger",
	async look({ side, devices }) {
		const module = devices.find(({ role }) => role === "module");
		if (side?.kind !== "issuer" || module === undefined) return [];
		const settings = await readIssuerSettings(module.home);
		const { database } = settings;
		if (database === undefined) return [];
		if ("env" in database && process.env[database.env] === undefined)
			return [
				note(
					`its server cannot be looked at: its address is in ${database.env}, which is not set here`,
				),
			];
		return ledgerFindings(
			(await examineLedger(module.home, settings)) ?? [],
			database.synchronous === true,
		);
	},
};

/** What the state of each server of a ledger comes to. */
export function ledgerFindings(
	servers: LedgerServers,
	isSynchronous: boolean,
): Finding[] {
	const [primary, ...others] = servers.filter(({ kind }) => kind === "taken");
	const found = servers.map((server) =>
		serverFinding(server, {
			isSynchronous,
			// One that can be used is enough for today.
			isNoneTaken: primary === undefined,
		}),
	);
	if (others.length > 0)
		found.push(
			wrong(
				`${others.length + 1} of its servers can be written to, and what one has the others lack`,
				"stop those that are not the newest primary, and make standbys of them",
			),
		);
	if (primary === undefined && found.every(({ kind }) => kind === "fine"))
		found.push(
			wrong("none of its servers can be written to", "promote a standby"),
		);
	if (servers.length > 1 && !isSynchronous)
		found.push(
			note(
				"its commits wait for no standby: what was acknowledged may be missing after a promotion",
				"run the issuer with --database-synchronous",
			),
		);
	return found;
}

function serverFinding(
	server: LedgerServers[number],
	{
		isSynchronous,
		isNoneTaken,
	}: { readonly isSynchronous: boolean; readonly isNoneTaken: boolean },
): Finding {
	const { where } = server;
	switch (server.kind) {
		case "taken":
			return fine(
				isSynchronous
					? `${where} has it, and its commits wait for a standby (there now: ${server.standbys})`
					: `${where} has it`,
			);
		case "standby":
			return fine(`${where} is a standby`);
		case "refused":
			return isNoneTaken ? wrong(server.why) : note(server.why);
	}
}

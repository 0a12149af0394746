import { TetradError } from "../../errors.ts";
import { readDeviceFile } from "../home/index.ts";
import { findSide } from "../side/index.ts";
import type { Check, Finding, Machine, Patient } from "./check.ts";
import {
	CERTIFICATE,
	CLOCK,
	FOLDERS,
	LISTS,
	PAIRING,
	POLICY,
	SECRETS,
} from "./device-checks.ts";
import { LEDGER } from "./ledger-check.ts";
import { THIS_MACHINE } from "./machine.ts";
import { CRYPTO, DISK, NODE } from "./machine-checks.ts";
import {
	APPROVALS,
	GOODS,
	ISSUER_HOME,
	PURCHASES,
	PURSE,
	TERMS,
} from "./money-checks.ts";
import {
	ISSUER_REACHED,
	LISTENING,
	MODULE_REACHED,
	PROCESSES,
} from "./running-checks.ts";

/** All that is looked at, in this order: what comes first may be the reason for what comes later. */
const CHECKS: readonly Check[] = [
	NODE,
	CRYPTO,
	DISK,
	FOLDERS,
	SECRETS,
	CLOCK,
	CERTIFICATE,
	LISTS,
	POLICY,
	PAIRING,
	LISTENING,
	PROCESSES,
	MODULE_REACHED,
	ISSUER_REACHED,
	ISSUER_HOME,
	LEDGER,
	TERMS,
	PURSE,
	PURCHASES,
	APPROVALS,
	GOODS,
];

/** What one check has found. */
export type Examined = Finding & { readonly check: string };

/** The side that is named or found, or the device of a home; `undefined` where there is neither. Throws as `findSide` and `readDeviceFile`. */
export async function findPatient(
	home: string | undefined,
	environment: Readonly<Record<string, string | undefined>> = process.env,
	machine: Machine = THIS_MACHINE,
): Promise<Patient | undefined> {
	const side = await findSide(home, environment);
	if (side !== undefined)
		return {
			side,
			devices: [
				{ role: "agent", home: side.agent.home },
				// One that is started elsewhere has its home there.
				...(side.module.runs === "elsewhere"
					? []
					: [{ role: "module", home: side.module.home } as const]),
			],
			machine,
		};
	if (home === undefined) return undefined;
	const { role } = await readDeviceFile(home);
	return { side, devices: [{ role, home }], machine };
}

/** Looks at everything, one after the other. What cannot be looked at is wrong, and says why; twice it is not said. */
export async function* examine(patient: Patient): AsyncGenerator<Examined> {
	const said = new Set<string>();
	for (const { name: check, look } of CHECKS) {
		let found: readonly Finding[];
		try {
			found = await look(patient);
		} catch (thrown) {
			found = [{ kind: "wrong", what: sentenceOf(thrown) }];
		}
		for (const finding of found) {
			if (finding.kind === "wrong" && said.has(finding.what)) continue;
			said.add(finding.what);
			yield { check, ...finding };
		}
	}
}

function sentenceOf(thrown: unknown): string {
	if (thrown instanceof TetradError) return thrown.message;
	throw thrown;
}

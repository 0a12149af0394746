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
	SHARED_STORE,
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
	SHARED_STORE,
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
	for (const one of CHECKS) {
		const { name: check } = one;
		const found = await findingsOf(one, patient);
		for (const further of furtherModulesOf(patient, one.ofModule))
			found.push(...(await findingsOfModule(one, further)));
		for (const finding of found) {
			if (finding.kind === "wrong" && said.has(finding.what)) continue;
			said.add(finding.what);
			yield { check, ...finding };
		}
	}
}

async function findingsOf({ look }: Check, of: Patient): Promise<Finding[]> {
	try {
		return [...(await look(of))];
	} catch (thrown) {
		return [{ kind: "wrong", what: sentenceOf(thrown) }];
	}
}

/** What is said of the agent is said already. */
async function findingsOfModule(
	check: Check,
	patient: Patient,
): Promise<Finding[]> {
	const found = await findingsOf(check, patient);
	const name = `module ${patient.moduleNumber}`;
	return found
		.filter(
			({ what }) => !what.startsWith("agent: ") || what.includes(` ${name}`),
		)
		.map(({ what, ...rest }) => ({
			...rest,
			what: what.startsWith("agent: ")
				? what
				: `${name}: ${what.replace(/^module: /, "")}`,
		}));
}

/** The same side, once for each of its modules beside the first, with that one in the place of the first. */
function furtherModulesOf(
	{ side, devices, machine }: Patient,
	how: Check["ofModule"],
): readonly Patient[] {
	if (side === undefined || how === undefined) return [];
	const agents =
		how === "alone" ? [] : devices.filter(({ role }) => role === "agent");
	return side.furtherModules.flatMap((module, at) =>
		module.runs === "elsewhere"
			? []
			: [
					{
						side: {
							...side,
							module,
							secrets: { agent: {}, module: module.secrets },
						},
						devices: [...agents, { role: "module", home: module.home }],
						machine,
						moduleNumber: at + 2,
					},
				],
	);
}

function sentenceOf(thrown: unknown): string {
	if (thrown instanceof TetradError) return thrown.message;
	throw thrown;
}

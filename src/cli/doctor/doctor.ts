import {
	type Examined,
	examine,
	findPatient,
} from "../../device/doctor/index.ts";
import { noHome } from "../side-flags.ts";
import { bad, EXIT, good, plain, say, sayFitting, sayJson } from "../voice.ts";

export interface DoctorFlags {
	readonly home?: string;
	readonly json?: true;
}

/** Says what is wrong with a side, or with one device, and what to do; exit code 1 when something is. */
export async function doctor({ home, json }: DoctorFlags): Promise<void> {
	const patient = await findPatient(home);
	if (patient === undefined) throw noHome("device");
	const findings: Examined[] = [];
	for await (const finding of examine(patient)) {
		findings.push(finding);
		if (!json) tellFinding(finding);
	}
	const count = (kind: Examined["kind"]) =>
		findings.filter((finding) => finding.kind === kind).length;
	const wrong = count("wrong");
	if (wrong > 0) process.exitCode = EXIT.failed;
	if (json)
		return sayJson({
			home: patient.side?.path ?? home,
			healthy: wrong === 0,
			findings,
		});
	const notes = count("note");
	say();
	say(
		wrong > 0
			? `${things(wrong)} wrong`
			: `nothing is wrong${notes > 0 ? `, and ${things(notes)} worth knowing` : ""}`,
	);
}

function things(count: number): string {
	return count === 1 ? "1 thing is" : `${count} things are`;
}

const SIGNS: Readonly<Record<Examined["kind"], string>> = {
	fine: "fine ",
	note: "note ",
	wrong: "WRONG",
};

function tellFinding(finding: Examined): void {
	const { check, kind, what } = finding;
	const sign = SIGNS[kind];
	const styled =
		kind === "wrong" ? bad(sign) : kind === "fine" ? good(sign) : sign;
	sayFitting(`${styled}  ${check}: ${plain(what)}`);
	if (finding.kind !== "fine" && finding.todo !== undefined)
		sayFitting(`       ${plain(finding.todo)}`);
}

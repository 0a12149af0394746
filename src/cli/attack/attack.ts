/* Attacks, as they are chosen, run and shown. */
import {
	type Attack,
	hasHeld,
	type Outcome,
	runSuite,
	type Target,
	type Tried,
	withDeploymentTarget,
	withSandboxTarget,
} from "../../attack/index.ts";
import { CONTROLS } from "../../attack/suite/index.ts";
import type { Address } from "../../carrier/index.ts";
import { interruptible } from "../interruptible.ts";
import { plainTable } from "../table.ts";
import {
	bad,
	bold,
	dim,
	EXIT,
	good,
	plain,
	say,
	sayFitting,
	sayJson,
	tellFitting,
} from "../voice.ts";
import { chosen } from "./which.ts";

export interface AttackFlags {
	readonly group?: readonly string[];
	readonly only?: readonly string[];
	readonly list?: true;
	readonly at?: Address;
	readonly merchant?: string;
	readonly buyer?: string;
	readonly issuer?: string;
	readonly as?: string;
	readonly spend?: string;
	readonly json?: true;
}

export async function attack(flags: AttackFlags): Promise<void> {
	const attacks = chosen(flags.group, flags.only);
	if (flags.list) return listAll(attacks, flags.json ?? false);
	const told = new Map<Attack, Outcome>();
	const tried = await interruptible((signal) =>
		onTarget(flags, signal, (target) =>
			runSuite(attacks, target, {
				signal,
				controls: CONTROLS,
				begin: (one) => progress(flags, one, attacks),
				end: (one) => {
					told.set(one.attack, one.outcome);
					tellEnd(flags, one);
				},
			}),
		),
	);
	// What was seen only when all was over.
	for (const one of tried)
		if (told.get(one.attack) !== one.outcome) tellEnd(flags, one);
	const isHeld = hasHeld(tried);
	if (flags.json) sayJson({ event: "end", ok: isHeld, ...counts(tried) });
	else sayAll(tried);
	if (!isHeld) process.exitCode = EXIT.failed;
}

function listAll(attacks: readonly Attack[], isJson: boolean): void {
	if (isJson)
		for (const { name, group, tried, reference } of attacks)
			sayJson({ name, group, tried, reference });
	else {
		const rows = attacks.map(({ name, group, tried, reference }) => [
			group,
			name,
			tried,
			reference,
		]);
		const head = ["group", "attack", "what it tries", "reference"];
		for (const line of plainTable(head, rows)) say(line);
	}
}

/** Without anything named, what is attacked is made. */
function onTarget<Value>(
	{ at, merchant, buyer, issuer, as, spend, json }: AttackFlags,
	signal: AbortSignal,
	act: (target: Target) => Promise<Value>,
): Promise<Value> {
	const isNamed = [at, merchant, buyer, issuer, as, spend].some(
		(flag) => flag !== undefined,
	);
	if (!isNamed)
		return withSandboxTarget(act, {
			signal,
			step: (what) =>
				json ? sayJson({ event: "step", what }) : tellFitting(dim(`… ${what}`)),
		});
	const sides = {
		...(merchant === undefined ? {} : { merchant }),
		...(buyer === undefined ? {} : { buyer }),
		...(issuer === undefined ? {} : { issuer }),
	};
	return withDeploymentTarget({ merchantAt: at, sides, lent: as, spend }, act);
}

function progress(
	{ json }: AttackFlags,
	{ group, name }: Attack,
	attacks: readonly Attack[],
): void {
	const number = attacks.findIndex((one) => one.name === name) + 1;
	if (json) return;
	tellFitting(dim(`… ${number} of ${attacks.length}: ${group}, ${name}`));
}

function tellEnd(
	{ json }: AttackFlags,
	{ attack, outcome, milliseconds }: Tried,
): void {
	const { name, group, tried, reference } = attack;
	if (json)
		sayJson({
			event: "tried",
			...{ name, group, tried, reference, milliseconds },
			outcome: outcome.kind,
			happened: textOf(outcome),
			...(outcome.kind === "not-tried" && outcome.matters === true
				? { matters: true }
				: {}),
		});
	else if (outcome.kind === "broken")
		tellFitting(`  ${bad(`${name} did not hold: ${plain(outcome.what)}`)}`);
}

function sayAll(tried: readonly Tried[]): void {
	const groups = new Set(tried.map(({ attack }) => attack.group));
	for (const group of groups) {
		say();
		say(`  ${bold(group)}`);
		const rows = tried
			.filter(({ attack }) => attack.group === group)
			.map(({ attack: { name, tried: what, reference }, outcome }) => [
				name,
				what,
				shown(outcome),
				reference,
			]);
		const head = ["attack", "what it tried", "what happened", "reference"];
		for (const line of plainTable(head, rows)) say(line);
	}
	say();
	const { held, broken, notTried } = counts(tried);
	const left = notTried === 0 ? "" : `, ${notTried} not tried`;
	const sum = `${held} of ${tried.length} attacks held, ${broken} did not${left}.`;
	sayFitting(`  ${hasHeld(tried) ? good(sum) : bad(sum)}`);
}

function shown(outcome: Outcome): string {
	const text = plain(textOf(outcome));
	switch (outcome.kind) {
		case "held":
			return `held: ${text}`;
		case "broken":
			return bad(`broken: ${text}`);
		case "not-tried":
			return dim(`not tried: ${text}`);
	}
}

function textOf(outcome: Outcome): string {
	return outcome.kind === "not-tried" ? outcome.why : outcome.what;
}

function counts(tried: readonly Tried[]) {
	const of = (kind: Outcome["kind"]) =>
		tried.filter(({ outcome }) => outcome.kind === kind).length;
	return {
		held: of("held"),
		broken: of("broken"),
		notTried: of("not-tried"),
	};
}

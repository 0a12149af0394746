import { readDeviceFile, readPolicy } from "../../device/home/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type SeenPlace,
	subjectText,
	type TrustAnchor,
} from "../../identity/index.ts";
import { LOAD_LIMITS, type Policy } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import { plainTable } from "../table.ts";
import { day, plain, say, sayJson } from "../voice.ts";

const DAY_MS = 86_400_000;

const PLACES: readonly (readonly [SeenPlace, string])[] = [
	["ownAgent", "own agent"],
	["peerAgent", "other side's agent"],
	["ownModule", "own module"],
	["peerModule", "other side's module"],
];

export interface PolicyFlags {
	readonly home: string;
	readonly check?: true;
	readonly json?: true;
}

export async function checkPolicy(flags: PolicyFlags): Promise<void> {
	const { home, json } = flags;
	if (flags.check === undefined)
		throw new TetradError(
			"invalid-argument",
			"say --check; to change the policy, edit policy.json and check it then",
		);
	const { role, name } = await readDeviceFile(home);
	const policy = await readPolicy(home);
	if (json) sayJson({ role, name, ...described(policy) });
	else show(policy);
}

function described(policy: Policy) {
	const { suites, routings, roots, links, untrustedLists, demands } = policy;
	return {
		trust: {
			agencies: policy.agencies.map(anchorJson),
			banks: policy.banks.map(anchorJson),
		},
		accept: { suites, routings, roots, links },
		demands: Object.fromEntries(
			PLACES.map(([place]) => {
				const { minimum = "software", allow, refuse } = demands?.[place] ?? {};
				return [
					place,
					{
						tamperResistance: minimum,
						...(allow === undefined ? {} : { allow: allow.map(hex) }),
						...(refuse === undefined ? {} : { refuse: refuse.map(hex) }),
					},
				];
			}),
		),
		untrustedLists:
			untrustedLists === undefined
				? null
				: {
						maxAgeDays: untrustedLists.maxAgeMs / DAY_MS,
						maxAgeOfIntermediatesDays:
							(untrustedLists.maxAgeOfIntermediatesMs ??
								untrustedLists.maxAgeMs) / DAY_MS,
					},
		...(policy.load === undefined
			? {}
			: { load: { ...LOAD_LIMITS, ...policy.load } }),
		...(policy.resumption === undefined
			? {}
			: { resumption: policy.resumption }),
	};
}

function anchorJson({ certificate }: TrustAnchor) {
	return {
		// It comes in quotes, for sentences.
		name: rootName(certificate).replace(/^"(.*)"$/, "$1"),
		notAfter: new Date(certificate.notAfter).toISOString(),
	};
}

function show(policy: Policy): void {
	const { untrustedLists } = policy;
	const roots = (anchors: readonly TrustAnchor[]) =>
		anchors
			.map(
				({ certificate }) =>
					`${rootName(certificate)} (until ${day(certificate.notAfter)})`,
			)
			.join(", ");
	const days = (milliseconds: number) => `${milliseconds / DAY_MS} days`;
	const rows = [
		["trusts, for agents", roots(policy.agencies)],
		["trusts, for modules", roots(policy.banks)],
		["accepts suites", policy.suites.join(", ")],
		["accepts routings", policy.routings.join(", ")],
		["accepts roots", policy.roots.join(", ")],
		["accepts links", policy.links.join(", ")],
		[
			"demands untrusted lists",
			untrustedLists === undefined
				? "no; those that it holds count"
				: `no older than ${days(untrustedLists.maxAgeMs)}, of intermediates ${days(untrustedLists.maxAgeOfIntermediatesMs ?? untrustedLists.maxAgeMs)}`,
		],
		...(policy.resumption === undefined
			? []
			: [["resumes tetrads", policy.resumption]]),
		...Object.entries(policy.load ?? {}).map(([limit, value]) => [
			`limits ${limit}`,
			String(value),
		]),
		...PLACES.map(([place, text]) => {
			const {
				minimum = "software",
				allow,
				refuse,
			} = policy.demands?.[place] ?? {};
			const parts = [
				minimum === "software" ? "any key" : `at least ${minimum}`,
				...(allow === undefined ? [] : [`one of ${allow.length} named`]),
				...(refuse === undefined ? [] : [`none of ${refuse.length} named`]),
			];
			return [`demands of the ${text}`, parts.join(", ")];
		}),
	];
	for (const line of plainTable(["policy", ""], rows)) say(line);
}

function rootName(certificate: TrustAnchor["certificate"]): string {
	return plain(subjectText(certificate));
}

/*
 * The eleven claims of US patent 5,703,949, each checked against bytes that crossed the wires of
 * real runs between separate processes. A check takes values from what was captured, and compares
 * them with what each process wrote into its own keylog.
 */
import { nodeCrypto } from "../../crypto/index.ts";
import { PLACES, type Place, type Routing } from "../../tetrad/index.ts";
import { enc, hex, sameBytes, utf8 } from "../../wire/index.ts";
import { type Custody, whereOf } from "./custody.ts";
import type { Dissection, WireFrame } from "./dissect.ts";
import { type Impostor, PARTNER, roleOf, type Trial } from "./impostors.ts";
import type { Run } from "./stage.ts";

export interface ClaimResult {
	readonly claim: number;
	readonly holds: boolean;
	readonly evidence: string;
}

/** A run and its frames. */
export interface Dissected extends Dissection {
	readonly run: Run;
}

/** Claims that no run with keys in software can show. */
export const NEEDS_TOKENS: ReadonlySet<number> = new Set([6, 7, 10, 11]);

class NotShown extends Error {}

interface Claim {
	readonly claim: number;
	/** What it asks for, in a few words. */
	readonly title: string;
	/** The routing that shows it. */
	readonly routing: Routing;
	readonly check: (seen: Dissected) => string;
}

export const CLAIMS: readonly Claim[] = [
	{
		claim: 1,
		title: "four devices, two sessions, two links, one key, a third session",
		routing: "direct",
		check: claim1,
	},
	{
		claim: 2,
		title: "the key information is R2, sent by 2 to 1",
		routing: "direct",
		check: claim2,
	},
	{
		claim: 3,
		title: "the key is R1 ⊕ R2, formed in 3",
		routing: "direct",
		check: claim3,
	},
	{
		claim: 4,
		title: "R1 reaches 2 and 4; a fourth session under the key",
		routing: "direct",
		check: claim4,
	},
	{
		claim: 5,
		title: "session 2 is further encrypted by session 1",
		routing: "direct",
		check: nestedThroughout,
	},
	{
		claim: 6,
		title: "the devices are tamper-proof",
		routing: "direct",
		check: tamperProof,
	},
	{
		claim: 7,
		title: "trusted agents and money modules",
		routing: "direct",
		check: rolesTamperProof,
	},
	{
		claim: 8,
		title: "R1 and R2 cross over; all four form the key",
		routing: "crossed",
		check: claim8,
	},
	{
		claim: 9,
		title: "as claim 5, with claim 8",
		routing: "crossed",
		check: nestedThroughout,
	},
	{
		claim: 10,
		title: "as claim 6, with claim 8",
		routing: "crossed",
		check: tamperProof,
	},
	{
		claim: 11,
		title: "as claim 7, with claim 8",
		routing: "crossed",
		check: rolesTamperProof,
	},
];

/** Checks one claim on a run whose routing can show it. */
export function checkClaim(
	{ claim, check }: Claim,
	seen: Dissected,
): ClaimResult {
	try {
		return { claim, holds: true, evidence: check(seen) };
	} catch (thrown) {
		if (!(thrown instanceof NotShown)) throw thrown;
		return { claim, holds: false, evidence: thrown.message };
	}
}

function claim1(seen: Dissected): string {
	const { run } = seen;
	const pids = new Set(Object.values(run.pids));
	need(pids.size === 4, "the four devices were not four processes");
	onlyAt(run, "S1_INITIATOR", ["A", "B"]);
	onlyAt(run, "S2_INITIATOR", ["X", "Y"]);
	const answer = find(seen, "link B–Y", "B", "answer", "r2");
	const reply = find(seen, "network", "B", "F2");
	const inner = layerOf(reply, "session 2");
	const r2 = secret(run, "B", "R2");
	need(
		sameBytes(answer.fields["r2"] as Uint8Array, r2),
		"B did not give R2 to Y",
	);
	need(
		sameBytes(inner.fields["r2"] as Uint8Array, r2),
		"R2 did not cross session 2",
	);
	oneKey(run);
	const local = find(seen, "link A–X", "A", "session 3 or 4");
	localKeyFollows(run, "A", "AX");
	return [
		`four processes (${[...pids].join(", ")})`,
		`R2 ${short(r2)} crossed link 2 in B's message "answer" ${where(answer.frame)} and session 2 in I2 ${where(reply)}`,
		`session 1 keys only in the keylogs of A and B, session 2 keys only in those of X and Y`,
		`X formed K ${short(secret(run, "X", "K"))}`,
		`session 3 under it: ${local.frame.bytes} bytes on link 1 ${where(local.frame)} opened with the key derived from K`,
	].join("; ");
}

function claim2(seen: Dissected): string {
	const { run } = seen;
	const f2 = find(seen, "network", "B", "F2");
	const r2 = secret(run, "B", "R2");
	need(
		sameBytes(layerOf(f2.frame, "session 1").fields["r2"] as Uint8Array, r2),
		"R2 is not in flight 2",
	);
	need(sameBytes(secret(run, "A", "R2"), r2), "A has another R2");
	const { k, how } = recomputeK(run, "A");
	need(sameBytes(k, secret(run, "A", "K")), "A's key is not from R1 and R2");
	return `R2 ${short(r2)}, made by B, is in flight 2 ${where(f2.frame)} when session 1 is opened; A's K ${short(k)} is ${how}`;
}

/** With root xor K is the sum itself; with root transcript it is the sum under T. Both are made in X. */
function claim3({ run }: Dissected): string {
	const { k, how } = recomputeK(run, "X");
	need(
		sameBytes(k, secret(run, "X", "K")),
		"X's key does not follow from R1 xor R2",
	);
	return `with root ${run.options.root}, X's K ${short(k)} is ${how}`;
}

function claim4(seen: Dissected): string {
	const { run } = seen;
	const r1 = secret(run, "A", "R1");
	const f3 = find(seen, "network", "A", "F3");
	need(
		sameBytes(layerOf(f3.frame, "session 1").fields["r1"] as Uint8Array, r1),
		"R1 is not in flight 3",
	);
	const bind = find(seen, "link A–X", "A", "bind: h_o", "share");
	need(
		sameBytes(bind.fields["share"] as Uint8Array, r1),
		"A did not give R1 to X",
	);
	need(
		sameBytes(layerOf(f3.frame, "session 2").fields["r1"] as Uint8Array, r1),
		"R1 did not cross session 2",
	);
	oneKey(run);
	const local = find(seen, "link B–Y", "B", "session 3 or 4");
	localKeyFollows(run, "B", "BY");
	return `R1 ${short(r1)} is in flight 3 under session 1 ${where(f3.frame)}, on link 1 ${where(bind.frame)}, and in I3 under session 2; Y formed K ${short(secret(run, "Y", "K"))}; session 4 under it: ${local.frame.bytes} bytes on link 2 ${where(local.frame)}`;
}

function claim8(seen: Dissected): string {
	const { run } = seen;
	const r1 = secret(run, "A", "R1");
	const r2 = secret(run, "B", "R2");
	const f3 = find(seen, "network", "A", "F3");
	const f4 = find(seen, "network", "B", "F4");
	const toY = find(seen, "link B–Y", "B", "bind: I3", "r1");
	const toX = find(seen, "link A–X", "A", "bind: h_o", "share");
	need(
		sameBytes(toY.fields["r1"] as Uint8Array, r1),
		"R1 did not reach Y over link 2",
	);
	need(
		sameBytes(layerOf(f4.frame, "session 2").fields["r1"] as Uint8Array, r1),
		"R1 did not reach X over session 2",
	);
	need(
		sameBytes(toX.fields["share"] as Uint8Array, r2),
		"R2 did not reach X over link 1",
	);
	need(
		sameBytes(layerOf(f3.frame, "session 2").fields["r2"] as Uint8Array, r2),
		"R2 did not reach Y over session 2",
	);
	oneKey(run);
	find(seen, "link A–X", "A", "session 3 or 4");
	find(seen, "link B–Y", "B", "session 3 or 4");
	localKeyFollows(run, "A", "AX");
	localKeyFollows(run, "B", "BY");
	return `R1 ${short(r1)} reached Y over link 2 ${where(toY.frame)} and X in I4 of session 2 ${where(f4.frame)}; R2 ${short(r2)} reached X over link 1 ${where(toX.frame)} and Y in I3 of session 2 ${where(f3.frame)}; all four formed K ${short(secret(run, "A", "K"))}, and sessions 3 and 4 spoke under it`;
}

/** Claims 5 and 9: whatever passes through session 2 is encrypted by session 1 as well. */
function nestedThroughout(seen: Dissected): string {
	const network = seen.frames.filter(({ wire }) => wire === "network");
	const nested = network.filter(({ layers }) =>
		layers.some(({ name }) => name === "session 2"),
	);
	need(
		nested.some(({ name }) => name.startsWith("session 2")),
		"no message of session 2 crossed the network",
	);
	for (const frame of nested) {
		const [first, second] = frame.layers;
		need(
			first?.name === "session 1" && second?.name === "session 2",
			`a record of session 2 was not inside session 1 ${where(frame)}`,
		);
	}
	const offer = network.find(({ name }) => name.startsWith("F1"));
	const i1 = offer?.layers[0]?.fields["i1"];
	need(i1 instanceof Uint8Array, "no flight 1 was captured");
	const messages = nested.filter(({ name }) => name.startsWith("session 2"));
	const unjudged = seen.omitted
		.filter(
			({ wire, name }) => wire === "network" && name.startsWith("session 2"),
		)
		.reduce((sum, { count }) => sum + count, 0);
	const further =
		unjudged === 0
			? ""
			: `; ${unjudged} further records of session 2 were captured, and not kept to be judged`;
	return `${nested.length} records of session 2 were captured on the network, ${messages.length} of them messages between the modules; each opened first with a key of session 1 and only then with one of session 2, the last ${where(nested.at(-1) as WireFrame)}; in clear went only I1, ${i1.length} bytes of ephemeral public keys${further}`;
}

/** What a key that cannot leave its token is, by the names of PKCS #11, and what it may do. */
const KEPT = [
	"CKA_TOKEN",
	"CKA_PRIVATE",
	"CKA_LOCAL",
	"CKA_SENSITIVE",
	"CKA_ALWAYS_SENSITIVE",
	"CKA_NEVER_EXTRACTABLE",
];
const ALLOWED = ["CKA_SIGN"];

/** Claims 6 and 10: each key was made in a token that does not give it away, certificates attest that, and nobody takes less. */
function tamperProof({ run }: Dissected): string {
	const { custody } = run;
	const inFiles = PLACES.filter((place) => custody[place].token === undefined);
	need(
		inFiles.length === 0,
		`the keys of ${inFiles.join(", ")} are in software (${inFiles.map((place) => `${custody[place].home}/${whereOf(custody[place])}`).join(", ")}); missing: keys in tokens, and certificates that attest it`,
	);
	for (const place of PLACES) keptInToken(place, custody[place]);
	const tokensOf = (places: readonly Place[]) =>
		new Set(places.map((place) => custody[place].token?.serial));
	need(
		tokensOf(["A", "B"]).isDisjointFrom(tokensOf(["X", "Y"])),
		"an agent and a module have their keys in the same token",
	);
	for (const place of PLACES) attestedAndDemanded(place, custody[place]);
	const trials = refusedEverywhere(run, "level", "policy demands at least");
	const tokens = new Set(
		PLACES.map((place) => {
			const { token } = custody[place];
			return `"${token?.token}" (${token?.manufacturer}, ${token?.model})`;
		}),
	);
	const searched = PLACES.reduce(
		(sum, place) => sum + custody[place].searched,
		0,
	);
	const levels = new Set(
		PLACES.flatMap((place) =>
			Object.values(custody[place].judgedBy).map(({ level }) => `"${level}"`),
		),
	);
	const stand = [...tokens].some((token) => token.includes("SoftHSM"));
	return [
		`holds with keys in tokens: the keys of agents and of modules were made in separate tokens, ${[...tokens].join(" and ")}`,
		`each token says of its keys ${KEPT.join(", ")}, lets them sign and nothing else, and refuses to show the private half (${[...new Set(PLACES.map((place) => custody[place].token?.value))].join(", ")})`,
		`${searched} files of the four homes and their logs were searched for private keys, and none was found`,
		`the certificates attest ${[...levels].join(" and ")}, and the policy of each of the four demands at least "token" of the other three`,
		`a device with its key in software was refused in each place (${refusals(trials)})`,
		...(stand
			? [
					"SoftHSM stands in for hardware: it shows the mechanism and is itself software, whose files whoever owns the machine can attack",
				]
			: []),
	].join("; ");
}

function keptInToken(
	place: Place,
	{ token, certifiedKey, searched, found }: Custody,
): void {
	const kept =
		token !== undefined &&
		KEPT.every((name) => token.is.includes(name)) &&
		!token.is.includes("CKA_EXTRACTABLE");
	need(kept, `the key of ${place} was not made in its token or could leave it`);
	need(
		sameNames(token.may, ALLOWED),
		`the key of ${place} is not for signing alone`,
	);
	need(
		token.value.startsWith("CKR_"),
		`the token gives the private half of the key of ${place}`,
	);
	// CKA_EC_POINT may wrap the point; what it ends with is the point.
	need(
		certifiedKey.length >= 64 && token.publicPoint.endsWith(certifiedKey),
		`the certificate of ${place} is not for the key in its token`,
	);
	need(searched > 0, `the files of ${place} were not searched`);
	need(found.length === 0, `${place} has ${found[0]}`);
}

function attestedAndDemanded(place: Place, { judgedBy }: Custody): void {
	for (const judge of PLACES) {
		if (judge === place) continue;
		const judgement = judgedBy[judge];
		need(
			judgement !== undefined && judgement.refused === undefined,
			`${judge} refuses ${place}: ${judgement?.refused}`,
		);
		need(
			judgement.level !== undefined && judgement.level !== "software",
			`the certificate of ${place} does not attest that its key is in a token`,
		);
		need(
			judgement.demanded !== "software",
			`the policy of ${judge} takes ${place} also with its key in software`,
		);
	}
}

/** Impostors of this kind were tried alone and in league, in each place, and an honest device refused each, for this reason. */
function refusedEverywhere(
	{ impostors }: Run,
	kind: Impostor,
	reason: string,
): readonly Trial[] {
	const trials = impostors.filter(({ impostor }) => impostor === kind);
	for (const place of PLACES)
		for (const inLeague of [false, true]) {
			const trial = trials.find(
				(candidate) =>
					candidate.place === place && candidate.inLeague === inLeague,
			);
			const { refused } = trial ?? {};
			const who =
				kind === "role"
					? "a device of the wrong role"
					: "a device with its key in software";
			need(
				refused !== undefined &&
					refused.by !== place &&
					(refused.by === PARTNER[place]) === !inLeague,
				`${inLeague ? "the other side" : PARTNER[place]} did not refuse ${who} in the place of ${place}`,
			);
			need(
				refused.reason.includes(reason),
				`${who} in the place of ${place} was refused for another reason: ${refused.reason}`,
			);
		}
	return trials;
}

/**
 * Claims 7 and 11: what the certificates say the four are. In the patent both kinds are
 * tamper-proof devices, so with keys in software the roles are shown and the claims do not hold.
 */
function rolesTamperProof(seen: Dissected): string {
	const { run } = seen;
	const event = run.events.A.find(({ event }) => event === "confirmed");
	need(event?.event === "confirmed", "the tetrad was not confirmed");
	const { A, B, X, Y } = event.devices;
	for (const place of PLACES)
		for (const judge of PLACES)
			if (judge !== place) {
				const judgement = run.custody[place].judgedBy[judge];
				need(
					judgement?.role === roleOf(place),
					`${judge} does not find that ${place} is certified as ${roleOf(place)}${judgement?.refused === undefined ? "" : `: ${judgement.refused}`}`,
				);
			}
	const money = moneyMoved(run);
	const trials = refusedEverywhere(run, "role", "is for the role");
	const roles = `${A} and ${B} are certified as trusted agents by an agency, ${X} and ${Y} as money modules by a bank, and each of the four finds that of the other three; a device of the wrong role was refused in each place (${refusals(trials)})`;
	try {
		tamperProof(seen);
	} catch (thrown) {
		if (!(thrown instanceof NotShown)) throw thrown;
		throw new NotShown(
			`${roles}; but a trusted agent and a money module of the patent are tamper-proof: ${thrown.message}`,
		);
	}
	return `${roles}; their keys are in tokens, as for claim ${run.options.routing === "direct" ? 6 : 10}; ${money}`;
}

/** "at A by X and B, …": the partner first, and then who refused it though the partner was in league. */
/** What A had its module pay, as both sides report it. */
function moneyMoved({ options, events }: Run): string {
	const { pay } = options;
	if (pay === undefined) return "no money was moved in this run";
	const paid = events.A.find(({ event }) => event === "paid");
	const received = events.B.find(({ event }) => event === "received");
	need(paid?.event === "paid", "A did not report that its module has paid");
	need(
		received?.event === "received" &&
			received.contract === paid.contract &&
			received.amount === paid.amount &&
			paid.amount === pay.amount,
		"B did not report that its module has been paid as much for the same contract",
	);
	return `and X paid Y ${paid.amount} ${paid.currency}${paid.play ? " (play money)" : ""} over session 2, on the word of A`;
}

function refusals(trials: readonly Trial[]): string {
	return PLACES.map((place) => {
		const by = trials.filter((trial) => trial.place === place);
		return `at ${place} by ${by.map(({ refused }) => refused?.by).join(" and ")}`;
	}).join(", ");
}

function sameNames(is: readonly string[], wanted: readonly string[]): boolean {
	return (
		is.length === wanted.length && wanted.every((name) => is.includes(name))
	);
}

interface Found {
	readonly frame: WireFrame;
	readonly fields: Readonly<Record<string, unknown>>;
}

/** The first frame from `from` in which something is whose name begins so, with the fields of what has that field, or the claim is not shown. */
function find(
	{ frames }: Dissected,
	wire: WireFrame["wire"],
	from: Place,
	name: string,
	field?: string,
): Found & WireFrame {
	const frame = frames.find(
		(candidate) =>
			candidate.wire === wire &&
			candidate.from === from &&
			(candidate.name.startsWith(name) ||
				candidate.name.includes(`, ${name}`)) &&
			candidate.layers.length > 0,
	);
	need(
		frame !== undefined,
		`no "${name}" of ${from} was captured on the ${wire}`,
	);
	const layer =
		field === undefined
			? frame.layers[0]
			: frame.layers.find(({ fields }) => fields?.[field] !== undefined);
	const fields = layer?.fields ?? {};
	need(
		field === undefined || fields[field] !== undefined,
		`"${name}" of ${from} has no ${field}`,
	);
	return { ...frame, frame, fields };
}

function layerOf(frame: WireFrame, name: string) {
	const layer = frame.layers.find((candidate) => candidate.name === name);
	need(layer !== undefined, `${frame.name} has no layer of ${name}`);
	return layer;
}

function secret(run: Run, place: Place, label: string): Uint8Array {
	const value = run.keylog[place].get(label);
	need(value !== undefined, `${place} did not log ${label}`);
	return value;
}

function onlyAt(run: Run, label: string, places: readonly Place[]): void {
	for (const place of PLACES)
		need(
			run.keylog[place].has(label) === places.includes(place),
			`${label} is in the wrong keylogs`,
		);
}

function oneKey(run: Run): void {
	const keys = new Set(PLACES.map((place) => hex(secret(run, place, "K"))));
	need(keys.size === 1, "the four devices formed different keys");
}

/** K from R1, R2 and, but for root xor, T. */
function recomputeK(run: Run, place: Place): { k: Uint8Array; how: string } {
	const r1 = secret(run, place, "R1");
	const r2 = secret(run, place, "R2");
	const sum = r1.map((byte, i) => byte ^ (r2[i] as number));
	const shares = `R1 ${short(r1)} xor R2 ${short(r2)}`;
	if (run.options.root === "xor") return { k: sum, how: shares };
	const t = secret(run, place, "T");
	return {
		k: nodeCrypto.hmac(t, sum),
		how: `HMAC-SHA-256 under T ${short(t)} of ${shares}`,
	};
}

/** The key of session 3 or 4 is the one that K, T and the link's secret yield, at both of its ends. */
function localKeyFollows(
	run: Run,
	place: "A" | "B",
	direction: "AX" | "BY",
): void {
	const prk = nodeCrypto.hmac(
		secret(run, place, "K"),
		secret(run, place, "LINK_SECRET"),
	);
	const key = nodeCrypto.hkdfExpand(
		prk,
		enc(utf8("tetrad/1 link"), utf8(direction), secret(run, place, "T")),
		32,
	);
	for (const end of direction)
		need(
			sameBytes(key, secret(run, end as Place, `LOCAL_${direction}`)),
			`the key ${direction} of ${end} does not follow from K`,
		);
}

function where(frame: WireFrame): string {
	return `(${frame.wire}, ${frame.from} to ${frame.to}, byte ${frame.offset})`;
}

function short(bytes: Uint8Array): string {
	return `${hex(bytes).slice(0, 12)}…`;
}

function need(shown: boolean, otherwise: string): asserts shown {
	if (!shown) throw new NotShown(otherwise);
}

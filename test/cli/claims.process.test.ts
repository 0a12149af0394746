import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { asExpected } from "../../src/show/check-claims.ts";
import {
	CLAIMS,
	checkClaim,
	type Dissected,
	NEEDS_TOKENS,
} from "../../src/show/stage/claims.ts";
import { dissect, type WireFrame } from "../../src/show/stage/dissect.ts";
import { Stage } from "../../src/show/stage/stage.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";

const PAGE = new URL("../../docs/claims.md", import.meta.url);
const FILE = fileURLToPath(new URL("../../LICENSE", import.meta.url));

/** Real runs; each test alters one thing in a copy, and the claim must fall. */
const seen = {} as Record<"direct" | "crossed", Dissected>;
let stage: Stage;

before(async () => {
	const { signal } = new AbortController();
	const suite = "classical-aesgcm";
	stage = await Stage.set({ suite, signal });
	for (const routing of ["direct", "crossed"] as const) {
		const run = await stage.run({
			routing,
			root: "transcript",
			link: "paired",
			file: FILE,
		});
		const { captures, keylog } = run;
		const found = await dissect(captures, keylog, { suite, routing });
		seen[routing] = { run, ...found };
	}
});

after(() => stage[Symbol.asyncDispose]());

/** Its partner, and who refuses it when its partner is in league with it. */
const REFUSED_BY: Readonly<Record<Place, readonly [Place, Place]>> = {
	A: ["X", "B"],
	B: ["Y", "A"],
	X: ["A", "Y"],
	Y: ["B", "X"],
};

function check(claim: number, what: Dissected) {
	const found = CLAIMS.find((candidate) => candidate.claim === claim);
	assert.ok(found);
	return checkClaim(found, what);
}

function holds(claim: number, what: Dissected): boolean {
	return check(claim, what).holds;
}

/** The run with one value of one keylog changed. */
function withSecret(
	{ run, ...found }: Dissected,
	place: Place,
	label: string,
): Dissected {
	const entries = new Map(run.keylog[place]);
	const value = entries.get(label);
	assert.ok(value, `${place} logged ${label}`);
	entries.set(
		label,
		value.map((byte) => byte ^ 1),
	);
	return {
		run: { ...run, keylog: { ...run.keylog, [place]: entries } },
		...found,
	};
}

function withFrames(
	{ frames, ...rest }: Dissected,
	change: (frame: WireFrame) => WireFrame | undefined,
): Dissected {
	return { ...rest, frames: frames.flatMap((frame) => change(frame) ?? []) };
}

describe("a claim holds on real runs and falls when what it says is not so", () => {
	test("every claim that software keys can show holds", () => {
		for (const { claim, routing } of CLAIMS)
			assert.equal(holds(claim, seen[routing]), !NEEDS_TOKENS.has(claim));
	});

	test("claims 5 and 9 are judged by what was kept, and say how much was not", () => {
		for (const [claim, routing] of [
			[5, "direct"],
			[9, "crossed"],
		] as const) {
			const all = check(claim, seen[routing]);
			assert.doesNotMatch(all.evidence, /not kept/);
			const omitted = ["message", "session 2 in session 1"].map(
				(name, i) =>
					({
						wire: "network",
						from: "A",
						to: "B",
						name,
						count: 5 + i,
					}) as const,
			);
			const some = check(claim, { ...seen[routing], omitted });
			assert.ok(some.holds);
			assert.match(
				some.evidence,
				/; 6 further records of session 2 were captured, and not kept to be judged$/,
			);
		}
	});

	test("claim 1: three processes, another R2, a key known elsewhere, no session 3", () => {
		const { direct } = seen;
		const { pids, keylog } = direct.run;
		const three = { ...direct.run, pids: { ...pids, Y: pids.X } };
		assert.ok(!holds(1, { ...direct, run: three }));
		assert.ok(!holds(1, withSecret(direct, "B", "R2")));
		const leaked = new Map([...keylog.X, ["S1_INITIATOR", new Uint8Array(32)]]);
		const spread = {
			...direct.run,
			keylog: { ...keylog, X: leaked as Map<string, Uint8Array> },
		};
		assert.ok(!holds(1, { ...direct, run: spread }));
		assert.ok(!holds(1, withSecret(direct, "A", "LOCAL_AX")));
		assert.ok(
			!holds(
				1,
				withFrames(direct, (frame) =>
					frame.name === "session 3 or 4" ? undefined : frame,
				),
			),
		);
	});

	test("claim 2: another R2 at A or B, another key at A, no flight 2", () => {
		const { direct } = seen;
		assert.ok(!holds(2, withSecret(direct, "A", "R2")));
		assert.ok(!holds(2, withSecret(direct, "B", "R2")));
		assert.ok(!holds(2, withSecret(direct, "A", "K")));
		assert.ok(
			!holds(
				2,
				withFrames(direct, (frame) =>
					frame.name.startsWith("F2") ? undefined : frame,
				),
			),
		);
	});

	test("claim 3: a key at X that is not from R1 and R2", () => {
		for (const label of ["K", "R1", "R2", "T"])
			assert.ok(!holds(3, withSecret(seen.direct, "X", label)));
	});

	test("claim 4: another R1, another key at Y, a session 4 not under it", () => {
		const { direct } = seen;
		assert.ok(!holds(4, withSecret(direct, "A", "R1")));
		assert.ok(!holds(4, withSecret(direct, "Y", "K")));
		assert.ok(!holds(4, withSecret(direct, "Y", "LOCAL_BY")));
	});

	test("claims 5 and 9: a record of session 2 that is not inside session 1, or none at all", () => {
		for (const [claim, what] of [
			[5, seen.direct],
			[9, seen.crossed],
		] as const) {
			const bare = withFrames(what, (frame) =>
				frame.name.startsWith("session 2")
					? { ...frame, layers: frame.layers.slice(1) }
					: frame,
			);
			assert.ok(!holds(claim, bare));
			const silent = withFrames(what, (frame) =>
				frame.name.startsWith("session 2") ? undefined : frame,
			);
			assert.ok(!holds(claim, silent));
		}
	});

	test("claim 8: another R1 or R2 anywhere, another key at any of the four", () => {
		const { crossed } = seen;
		assert.ok(!holds(8, withSecret(crossed, "A", "R1")));
		assert.ok(!holds(8, withSecret(crossed, "B", "R2")));
		for (const place of ["A", "B", "X", "Y"] as const)
			assert.ok(!holds(8, withSecret(crossed, place, "K")));
	});

	test("claims 6, 7, 10 and 11 name the key files, and 7 and 11 the roles all the same", () => {
		for (const [claim, what] of [
			[6, seen.direct],
			[7, seen.direct],
			[10, seen.crossed],
			[11, seen.crossed],
		] as const)
			assert.match(check(claim, what).evidence, /alice\/key\.pem.*missing/);
		assert.match(
			check(7, seen.direct).evidence,
			/^alice and bob are certified as trusted agents by an agency/,
		);
	});

	test("a device of the wrong role was refused in each place, by its partner and by the other side", () => {
		const trials = seen.direct.run.impostors.filter(
			({ impostor }) => impostor === "role",
		);
		assert.deepEqual(
			trials.map(({ place, refused }) => `${place} by ${refused?.by}`),
			PLACES.flatMap((place) =>
				REFUSED_BY[place].map((by) => `${place} by ${by}`),
			),
		);
		for (const { refused } of trials)
			assert.match(refused?.reason ?? "", /is for the role/);
	});

	test("the command fails when one that should hold does not, and only then", () => {
		const results = CLAIMS.map(({ claim, routing }) =>
			check(claim, seen[routing]),
		);
		assert.ok(asExpected(results, "software"));
		assert.ok(!asExpected(results, "softhsm"));
		for (const { claim } of results)
			assert.equal(
				asExpected(
					results.map((result) =>
						result.claim === claim ? { ...result, holds: false } : result,
					),
					"software",
				),
				NEEDS_TOKENS.has(claim),
			);
	});
});

test("docs/claims.md has the claims that are checked, and says which need tokens", () => {
	const rows = readFileSync(PAGE, "utf8").matchAll(
		/^\| (\d+) \| (.+) \| (.+) \| holds \|$/gm,
	);
	assert.deepEqual(
		[...rows].map(([, claim, title, inFiles]) => [claim, title, inFiles]),
		CLAIMS.map(({ claim, title }) => [
			String(claim),
			title,
			NEEDS_TOKENS.has(claim) ? "does not" : "holds",
		]),
	);
});

/* Whole tetrads of separate processes whose keys are in tokens, and the claims that rest on them. */
import assert from "node:assert/strict";
import * as node from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
} from "../../src/show/stage/claims.ts";
import { type Custody, privateKeysIn } from "../../src/show/stage/custody.ts";
import { dissect } from "../../src/show/stage/dissect.ts";
import {
	inSoftHsm,
	type KeyPlan,
	type KeyRoom,
	softHsmModule,
} from "../../src/show/stage/key-room.ts";
import { NAMES } from "../../src/show/stage/names.ts";
import { Stage } from "../../src/show/stage/stage.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { failureIn, isAlive, run } from "../support/processes.ts";
import { SoftwareTpm, skipUnless } from "../support/tokens.ts";

const { signal } = new AbortController();
const suite = "classical-aesgcm";
const skip = skipUnless("softhsm");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
	folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** Runs a command with keys in SoftHSM; nothing of it may be left. */
async function withSoftHsm(name: string): Promise<string> {
	const temporary = join(folder.path, name);
	await mkdir(temporary);
	const { code, stdout, stderr } = await run(
		[name, "--keys", "softhsm", "--json"],
		{ env: { TMPDIR: temporary }, patienceMs: 120_000 },
	);
	assert.equal(code, 0, stderr || stdout);
	assert.equal(stderr, "");
	assert.deepEqual(await readdir(temporary), [], "nothing is left on the disk");
	return stdout;
}

/** SoftHSM, but for the devices that `other` says. */
function softHsmBut(other: (place: Place, plan: KeyPlan) => KeyPlan) {
	return async (at: string): Promise<KeyRoom> => {
		const room = await inSoftHsm(at);
		return {
			oneByOne: room.oneByOne,
			plan: (role, name) => {
				const place = PLACES.find((at) => NAMES[at] === name);
				const plan = room.plan(role, name);
				return place === undefined ? plan : other(place, plan);
			},
			[Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
		};
	};
}

async function runOn(stage: Stage): Promise<Dissected> {
	const done = await stage.run({
		routing: "direct",
		root: "transcript",
		link: "paired",
		file: new URL("../../LICENSE", import.meta.url).pathname,
	});
	const dissection = await dissect(done.captures, done.keylog, {
		suite,
		routing: "direct",
	});
	return { run: done, ...dissection };
}

function check(number: number, seen: Dissected): ClaimResult {
	const claim = CLAIMS.find((candidate) => candidate.claim === number);
	assert.ok(claim);
	return checkClaim(claim, seen);
}

describe("with keys in SoftHSM", { skip }, () => {
	test("all eleven claims hold, and 6 and 10 say that SoftHSM stands in for hardware", async () => {
		const results = JSON.parse(await withSoftHsm("claims")) as ClaimResult[];
		assert.deepEqual(
			results.map(({ claim, holds }) => [claim, holds]),
			Array.from({ length: 11 }, (_, i) => [i + 1, true]),
		);
		for (const claim of [6, 10])
			assert.match(
				results[claim - 1]?.evidence ?? "",
				/^holds with keys in tokens.*SoftHSM stands in for hardware/,
			);
		for (const claim of [7, 11])
			assert.match(
				results[claim - 1]?.evidence ?? "",
				/and X paid Y 1\.00 PLAY \(play money\) over session 2, on the word of A$/,
			);
	});

	test("the demo shows where each key lives, uses every session and leaves nothing", async () => {
		const report = JSON.parse(await withSoftHsm("demo")) as {
			ok: boolean;
			keys: string;
			keysAt: Record<Place, { token: { token: string } }>;
			processes: Record<Place, number>;
			claims: ClaimResult[];
		};
		assert.equal(report.ok, true);
		assert.equal(report.keys, "softhsm");
		for (const place of PLACES) {
			const token = "AB".includes(place) ? "agents" : "modules";
			assert.equal(report.keysAt[place].token.token, token);
			assert.equal(isAlive(report.processes[place]), false);
		}
		assert.ok(report.claims.every(({ holds }) => holds));
	});
});

describe("claims 6 and 7 fall", { skip }, () => {
	let stage: Stage;
	let good: Dissected;
	/** On another stage X has its key in a file and a certificate that denies it, and Y the other way round; nobody demands anything there. */
	let odd: Pick<Dissected["run"], "custody" | "impostors">;
	before(async () => {
		{
			// One after the other: a program can have one room of SoftHSM at a time.
			await using other = await Stage.set({
				suite,
				signal,
				keys: softHsmBut((place, plan) => {
					if (place === "X")
						return { ...plan, location: { unsafeUnsealedFile: "key.pem" } };
					return place === "Y" ? { ...plan, level: "software" } : plan;
				}),
			});
			odd = {
				custody: await other.custody(),
				impostors: await other.tryImpostors(),
			};
		}
		stage = await Stage.set({ suite, signal, keys: inSoftHsm });
		good = await runOn(stage);
	});
	after(() => stage[Symbol.asyncDispose]());

	const falls = (seen: Partial<Dissected["run"]>, why: RegExp) => {
		const altered = { ...good, run: { ...good.run, ...seen } };
		for (const claim of [6, 7]) {
			const { holds, evidence } = check(claim, altered);
			assert.equal(holds, false, `claim ${claim}`);
			assert.match(evidence, why);
		}
	};
	const custodyWith = (place: Place, custody: Partial<Custody>) => ({
		custody: {
			...good.run.custody,
			[place]: { ...good.run.custody[place], ...custody },
		},
	});

	test("not on the run as it was", () => {
		for (const claim of [6, 7])
			assert.equal(check(claim, good).holds, true, check(claim, good).evidence);
	});

	test("with one key in software, whatever its certificate says", () => {
		const { X } = odd.custody;
		assert.equal(X.judgedBy.A?.level, "token");
		falls(
			{ custody: { ...good.run.custody, X } },
			/keys of X are in software .*key\.pem/,
		);
		// Nor does it help to have a token as well: what lies in the home counts.
		assert.equal(X.found.length, 2);
		falls(
			custodyWith("X", { found: X.found }),
			/X has a private key in PEM in .*key\.pem/,
		);
	});

	test("with one certificate that attests nothing", () => {
		const { Y } = odd.custody;
		assert.equal(Y.token?.token, "modules");
		falls(custodyWith("Y", Y), /certificate of Y does not attest/);
	});

	test("with a certificate for another key than the one in the token", () => {
		falls(
			custodyWith("A", { certifiedKey: good.run.custody.B.certifiedKey }),
			/certificate of A is not for the key in its token/,
		);
	});

	test("with a key that its token would give away, or that does more than sign", () => {
		const { token } = good.run.custody.B;
		assert.ok(token !== undefined);
		for (const [change, why] of [
			[{ value: "given" }, /gives the private half of the key of B/],
			[{ may: ["CKA_SIGN", "CKA_DERIVE"] }, /B is not for signing alone/],
			[{ is: [...token.is, "CKA_EXTRACTABLE"] }, /B was not made in its token/],
			...token.is.map(
				(name) =>
					[
						{ is: token.is.filter((other) => other !== name) },
						/B was not made in its token/,
					] as const,
			),
		] as const)
			falls(custodyWith("B", { token: { ...token, ...change } }), why);
		falls(
			custodyWith("X", {
				token: { ...token, publicPoint: good.run.custody.X.certifiedKey },
			}),
			/agent and a module have their keys in the same token/,
		);
	});

	test("with one policy that does not demand tokens, though another device still refuses", async () => {
		const path = join(stage.homes.B, "policy.json");
		const text = await readFile(path, "utf8");
		const policy = JSON.parse(text);
		delete policy.demands.peerAgent;
		await writeFile(path, JSON.stringify(policy));
		try {
			falls({ custody: await stage.custody() }, /policy of B takes A also/);
			const impostors = await stage.tryImpostors();
			const trial = impostors.find(
				({ impostor, place, inLeague }) =>
					impostor === "level" && place === "A" && inLeague,
			);
			// B takes it now, and Y has a policy of its own.
			assert.equal(trial?.refused?.by, "Y");
		} finally {
			await writeFile(path, text);
		}
	});

	test("with policies that demand nothing, impostors of the level are taken and those of the role are not", () => {
		const { impostors } = odd;
		for (const { impostor, refused } of impostors)
			assert.equal(refused === undefined, impostor === "level");
		falls({ impostors }, /did not refuse a device with its key in software/);
	});

	test("claim 7: with a device that another finds of the wrong role, or an impostor that was taken", () => {
		const { X } = good.run.custody;
		const asAgent = { ...X.judgedBy, B: { ...X.judgedBy.B, role: "agent" } };
		const altered = custodyWith("X", {
			judgedBy: asAgent as Custody["judgedBy"],
		});
		const seen = { ...good, run: { ...good.run, ...altered } };
		assert.match(
			check(7, seen).evidence,
			/B does not find that X is certified/,
		);
		for (const [at, trial] of good.run.impostors.entries()) {
			if (trial.impostor !== "role") continue;
			const impostors = good.run.impostors.with(at, {
				...trial,
				refused: undefined,
			});
			const { holds } = check(7, { ...good, run: { ...good.run, impostors } });
			assert.equal(holds, false);
		}
	});
});

describe("with a module's key in a TPM", () => {
	const skipTpm = { skip: skip || skipUnless("tpm") };
	test(
		"four processes form a tetrad, and claims 6 and 7 hold",
		skipTpm,
		async () => {
			await using tpm = await SoftwareTpm.make();
			const pkcs11 = tpm.uri().replace("?", ";object=purse?");
			await using stage = await Stage.set({
				suite,
				signal,
				keys: softHsmBut((place, plan) =>
					place === "X" ? { location: { pkcs11 }, level: "tpm" } : plan,
				),
			});
			const seen = await runOn(stage);
			for (const claim of [1, 2, 3, 4, 5, 6, 7]) {
				const { holds, evidence } = check(claim, seen);
				assert.equal(holds, true, evidence);
			}
			const { X } = seen.run.custody;
			assert.equal(X.token?.token, "tpm");
			for (const judge of ["A", "B", "Y"] as const)
				assert.equal(X.judgedBy[judge]?.level, "tpm");
		},
	);
});

describe("SoftHSM's library", () => {
	const variable = "TETRAD_SOFTHSM_MODULE";
	const asked = (value: string | undefined, paths: readonly string[]) => {
		const before = process.env[variable];
		if (value === undefined) delete process.env[variable];
		else process.env[variable] = value;
		try {
			return softHsmModule(paths);
		} finally {
			if (before === undefined) delete process.env[variable];
			else process.env[variable] = before;
		}
	};

	test("is what the variable names, else the first of the usual places", () => {
		assert.equal(asked("/bin/sh", ["/"]), "/bin/sh");
		assert.equal(asked(undefined, ["/nowhere", "/bin"]), "/bin");
		assert.equal(asked("", ["/bin"]), "/bin");
	});

	test("that is missing gives one sentence on what to install", () => {
		assert.throws(() => asked(undefined, ["/nowhere"]), {
			code: "key-store-failed",
			message: /apt-get install softhsm2.*brew install softhsm/,
		});
	});

	for (const name of ["demo", "claims"])
		test(`that is not where it should be ends ${name} with exit code 1`, async () => {
			const { code, stdout, stderr } = await run(
				[name, "--keys", "softhsm", "--json"],
				{ env: { [variable]: "/nowhere.so", TMPDIR: folder.path } },
			);
			assert.equal(code, 1);
			assert.equal(stdout, "");
			const { reason } = failureIn({ stderr });
			assert.match(reason, /^there is no file at \/nowhere\.so/);
		});
});

describe("the search for private keys", () => {
	for (const algorithm of ["P-256", "Ed25519"] as const) {
		const { privateKey, publicKey } =
			algorithm === "P-256"
				? node.generateKeyPairSync("ec", { namedCurve: "P-256" })
				: node.generateKeyPairSync("ed25519");
		const jwk = privateKey.export({ format: "jwk" });
		const secret = Buffer.from(jwk.d ?? "", "base64url");
		const certified = [
			{
				algorithm,
				publicKey: new Uint8Array(publicKey.export({ format: "raw-public" })),
			},
		];
		const pem = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
		const der = privateKey.export({ format: "der", type: "pkcs8" }) as Buffer;
		const half = "the private half of a certified key";
		const inPem = "a private key in PEM";
		const files: Record<string, [string | Buffer, string[]]> = {
			"in bytes": [Buffer.concat([node.randomBytes(77), secret]), [half]],
			"in a structure": [der, [half]],
			"in hexadecimal": [`{"key":"${secret.toString("hex")}"}`, [half]],
			"in hexadecimal, in capitals, after other bytes": [
				`00FF${secret.toString("hex").toUpperCase()}`,
				[half],
			],
			"in base64": [`"${secret.toString("base64")}"`, [half]],
			"as a JWK": [JSON.stringify(jwk), [half]],
			"in PEM": [pem, [inPem, half]],
			"in PEM of Windows": [pem.replaceAll("\n", "\r\n"), [inPem, half]],
			"in PEM within JSON": [JSON.stringify({ pem }), [inPem, half]],
			"in PEM that says nothing": [der.toString("base64"), [half]],
			"not, where there is only its public half": [
				`${publicKey.export({ format: "pem", type: "spki" })}${JSON.stringify(publicKey.export({ format: "jwk" }))}`,
				[],
			],
		};
		for (const [where, [content, expected]] of Object.entries(files))
			test(`finds one of ${algorithm} ${where}`, () => {
				assert.deepEqual(
					privateKeysIn(Buffer.from(content), certified),
					expected,
				);
			});
	}
});

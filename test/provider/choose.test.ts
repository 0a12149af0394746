import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { choose, loadSodium } from "../../src/provider/choose.ts";
import {
	chosenCrypto,
	libraryOf,
	providing,
} from "../../src/provider/index.ts";

const INVALID_ARGUMENT = { name: "TetradError", code: "invalid-argument" };

function absent(): never {
	throw Object.assign(new Error("Cannot find module"), {
		code: "MODULE_NOT_FOUND",
	});
}

/** What the package exports, without one function. */
function without(name: string) {
	return () => {
		const { sodium, version } = loadSodium();
		return { sodium: { ...sodium, [name]: undefined } as never, version };
	};
}

suite("the provider of a process", () => {
	test("is node:crypto where sodium-native does not load", () => {
		const chosen = choose({}, absent);
		assert.deepEqual(chosen, {
			kind: "node",
			shortAead: "AESGCM",
			crypto: nodeCrypto,
			why: "not-loaded",
		});
		assert.equal(
			libraryOf(chosen),
			`node:crypto on OpenSSL ${process.versions.openssl}`,
		);
	});

	test("is node:crypto where the owner says so, and nothing is loaded then", () => {
		const chosen = choose({ TETRAD_CRYPTO: "node" }, () => assert.fail());
		assert.deepEqual(chosen, {
			kind: "node",
			shortAead: "AESGCM",
			crypto: nodeCrypto,
			why: "asked",
		});
	});

	test("is refused where the owner asks for sodium and it does not load", () => {
		assert.throws(() => choose({ TETRAD_CRYPTO: "sodium" }, absent), {
			...INVALID_ARGUMENT,
			message: /TETRAD_CRYPTO is sodium.+npm install sodium-native/,
		});
	});

	test("is refused under any other name, which is not repeated", () => {
		for (const name of ["Sodium", "openssl", "node ", "0"])
			assert.throws(() => choose({ TETRAD_CRYPTO: name }, absent), {
				...INVALID_ARGUMENT,
				message:
					"TETRAD_CRYPTO names no provider of cryptography; it is node or sodium, or is left out",
			});
	});

	test("is whatever loads under an empty name", () => {
		assert.equal(choose({ TETRAD_CRYPTO: "" }, absent).kind, "node");
	});

	test("is settled once", () => {
		assert.equal(chosenCrypto(), chosenCrypto());
		assert.equal(providing(), providing());
	});
});

suite("sodium-native", () => {
	const { CI } = process.env;
	const loads = choose({}, loadSodium).kind === "sodium";
	const skip =
		!loads && CI !== "true" && "NO SODIUM: sodium-native does not load here";

	test("is taken where it loads, asked for or not", { skip }, () => {
		for (const environment of [{}, { TETRAD_CRYPTO: "sodium" }]) {
			const chosen = choose(environment, loadSodium);
			assert.equal(chosen.kind, "sodium");
			assert.notEqual(chosen.crypto, nodeCrypto);
			assert.match(libraryOf(chosen), /^sodium-native \d+\.\d+\.\d+$/);
		}
	});

	test("is not taken where it lacks what we call", { skip }, () => {
		const load = without("crypto_scalarmult");
		assert.equal(choose({}, load).kind, "node");
		assert.throws(
			() => choose({ TETRAD_CRYPTO: "sodium" }, load),
			INVALID_ARGUMENT,
		);
	});
});

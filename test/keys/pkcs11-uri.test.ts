import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { TetradError } from "../../src/errors.ts";
import { parsePkcs11Uri, printPkcs11Uri } from "../../src/keys/index.ts";

const LIBRARY = "module-path=/usr/lib/p11.so";

suite("a PKCS#11 URI", () => {
	test("names token, key, library and PIN file", () => {
		assert.deepEqual(
			parsePkcs11Uri(
				`pkcs11:token=The%20Token;serial=01%2f2;manufacturer=M;model=v2;object=k%C3%BC;id=%01%ffA;type=private?${LIBRARY}&pin-source=file:/home/a%20b/pin&x-vendor=1`,
			),
			{
				token: {
					token: "The Token",
					serial: "01/2",
					manufacturer: "M",
					model: "v2",
				},
				object: "kü",
				id: "01ff41",
				modulePath: "/usr/lib/p11.so",
				pinFile: "/home/a b/pin",
			},
		);
	});

	test("takes a PIN file as a path or as a file URI", () => {
		for (const source of [
			"/home/pin",
			"file:/home/pin",
			"file:///home/pin",
			"file://localhost/home/pin",
			"FILE:/home/pin",
		])
			assert.equal(
				parsePkcs11Uri(`PKCS11:token=t?${LIBRARY}&pin-source=${source}`)
					.pinFile,
				"/home/pin",
			);
	});

	test("is printed so that it reads back as the same", () => {
		const text = fc
			.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
			.filter((value) => !value.includes("\0") && value.isWellFormed());
		const optional = <T>(arbitrary: fc.Arbitrary<T>) =>
			fc.option(arbitrary, { nil: undefined });
		fc.assert(
			fc.property(
				text,
				optional(text),
				optional(text),
				optional(fc.uint8Array({ minLength: 1, maxLength: 20 })),
				optional(text),
				(token, serial, object, id, pin) => {
					const uri = {
						token: { token, ...(serial === undefined ? {} : { serial }) },
						...(object === undefined ? {} : { object }),
						...(id === undefined
							? {}
							: { id: Buffer.from(id).toString("hex") }),
						modulePath: `/${token}`,
						...(pin === undefined ? {} : { pinFile: `/${pin}` }),
					};
					assert.deepEqual(parsePkcs11Uri(printPkcs11Uri(uri)), uri);
				},
			),
			{ seed: 7, numRuns: 300 },
		);
	});

	const SECRET = "s3cret-value";
	for (const [why, uri] of [
		["nothing", ""],
		["another scheme", `pkcs12:token=${SECRET}?${LIBRARY}`],
		["no token", `pkcs11:object=${SECRET}?${LIBRARY}`],
		["no library", `pkcs11:token=${SECRET}`],
		[
			"a library by a relative path",
			`pkcs11:token=${SECRET}?module-path=p11.so`,
		],
		["a library by name", `pkcs11:token=${SECRET}?${LIBRARY}&module-name=p11`],
		["the token twice", `pkcs11:token=a;token=${SECRET}?${LIBRARY}`],
		["the library twice", `pkcs11:token=${SECRET}?${LIBRARY}&${LIBRARY}`],
		["the PIN itself", `pkcs11:token=a?${LIBRARY}&pin-value=${SECRET}`],
		[
			"a command for the PIN",
			`pkcs11:token=a?${LIBRARY}&pin-source=|${SECRET}`,
		],
		["a relative PIN file", `pkcs11:token=a?${LIBRARY}&pin-source=${SECRET}`],
		[
			"a PIN file elsewhere",
			`pkcs11:token=a?${LIBRARY}&pin-source=file://host/${SECRET}`,
		],
		[
			"a PIN on the web",
			`pkcs11:token=a?${LIBRARY}&pin-source=https://${SECRET}`,
		],
		["a slot", `pkcs11:token=${SECRET};slot-id=1?${LIBRARY}`],
		["an unknown path attribute", `pkcs11:token=a;tokn=${SECRET}?${LIBRARY}`],
		["a vendor's path attribute", `pkcs11:token=a;x-v=${SECRET}?${LIBRARY}`],
		[
			"an unknown query attribute",
			`pkcs11:token=a?${LIBRARY}&pin-sorce=${SECRET}`,
		],
		["another type", `pkcs11:token=${SECRET};type=cert?${LIBRARY}`],
		["an empty attribute", `pkcs11:token=;serial=${SECRET}?${LIBRARY}`],
		["a trailing semicolon", `pkcs11:token=${SECRET};?${LIBRARY}`],
		["no equals sign", `pkcs11:token=a;${SECRET}?${LIBRARY}`],
		["two question marks", `pkcs11:token=${SECRET}?${LIBRARY}?x-a=b`],
		["a bare percent sign", `pkcs11:token=${SECRET}%?${LIBRARY}`],
		["half an escape", `pkcs11:token=${SECRET}%2?${LIBRARY}`],
		["a space", `pkcs11:token=${SECRET} b?${LIBRARY}`],
		["a character beyond ASCII", `pkcs11:token=${SECRET}ü?${LIBRARY}`],
		["no UTF-8", `pkcs11:token=${SECRET}%ff?${LIBRARY}`],
		["a zero", `pkcs11:token=${SECRET}%00?${LIBRARY}`],
		["too much", `pkcs11:token=${SECRET}${"x".repeat(2048)}?${LIBRARY}`],
	] as const)
		test(`with ${why} is refused, and its values stay out of the message`, () => {
			assert.throws(
				() => parsePkcs11Uri(uri),
				(thrown) => {
					assert.ok(thrown instanceof TetradError);
					assert.equal(thrown.code, "invalid-argument");
					assert.ok(!thrown.message.includes(SECRET), thrown.message);
					return true;
				},
			);
		});
});

/* The numbers and names on docs/identity.md are those of the code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
	MAX_BUNDLE_BYTES,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
	MAX_RENEWAL_BYTES,
	ROLE_OID,
	TAMPER_RESISTANCE,
} from "../../src/identity/index.ts";
import * as profile from "../../src/identity/x509/profile.ts";

const DOCUMENT = readFileSync(
	new URL("../../docs/identity.md", import.meta.url),
	"utf8",
);
const says = (text: string) =>
	assert.ok(DOCUMENT.includes(text), `docs/identity.md should say: ${text}`);

test("object identifiers", () => {
	const rows = [...DOCUMENT.matchAll(/^\| (1\.3\.6[\d.]+) \| (.*) \|$/gm)];
	assert.deepEqual(
		rows.map(([, oid]) => oid),
		[
			ROLE_OID.agent,
			ROLE_OID.module,
			...TAMPER_RESISTANCE.map((level) => profile.LEVEL_OID[level]),
			profile.LIST_EXTENSION_OID.recertifyBefore,
		],
	);
	for (const [i, level] of TAMPER_RESISTANCE.entries())
		assert.ok(rows[2 + i]?.[2]?.includes(`\`${level}\``));
	says(
		`In rising order: ${TAMPER_RESISTANCE.map((l) => `\`${l}\``).join(", ")}.`,
	);
	says(profile.ANY_POLICY_OID);
	says(profile.EXTENSION_REQUEST_OID);
});

test("limits", () => {
	says(
		`at most ${MAX_CERTIFICATES} certificates below the root, of at most ${MAX_CERTIFICATE_BYTES} bytes each`,
	);
	says(`| request | 1–${profile.MAX_REQUEST_BYTES} |`);
	says(`| chain | 1–${MAX_CHAIN_BYTES} |`);
	assert.equal(
		MAX_RENEWAL_BYTES,
		4 * 4 + profile.MAX_REQUEST_BYTES + MAX_CHAIN_BYTES + 8 + 64,
	);
	const days = profile.MAX_RENEWAL_AGE_MS / 86_400_000;
	const minutes = profile.MAX_CLOCK_SKEW_MS / 60_000;
	says(`counts for ${days} days, and no more than ${minutes} minutes ahead`);
	says(`no more than ${minutes} minutes ahead of the clock when it is offered`);
	says(
		`0–${profile.MAX_LIST_ENTRIES}, no serial number twice, each of at most ${profile.MAX_LIST_ENTRY_BYTES} bytes`,
	);
	says(`1–${profile.MAX_LIST_NUMBER}, greater than the last`);
	says(`more than ${profile.MAX_LIST_BYTES} bytes`);
	says(
		`${profile.MAX_LISTS_PER_ROOT} intermediates with ${profile.MAX_LIST_BYTES_PER_ROOT} bytes together`,
	);
	says(`at most ${profile.MAX_LIST_NUMBERS} of them`);
	says(`A policy names at most ${profile.MAX_ANCHORS} roots`);
	says(`A bundle has at most ${MAX_BUNDLE_BYTES} bytes`);
});

import { type Command, Option } from "commander";
import { jsonFlag } from "../flags.ts";
import { addKeyFlags, addSecretFlags, algorithmFlag } from "../secret-flags.ts";

import type { EnrollFlags } from "./enroll.ts";

export function declareEnroll(enroll: Command): void {
	enroll
		.requiredOption("--home <folder>", "the device's folder")
		.addOption(
			new Option("--role <role>", "first: what it is to be").choices([
				"agent",
				"module",
			]),
		)
		.option(
			"--name <name>",
			"first: the name to certify, of letters a to z, digits, dots and dashes",
		)
		.option(
			"--out <file>",
			"first: the request, to be carried to the authority",
		)
		.option("--certificate <file>", "then: what the authority issued")
		.option(
			"--trust-agency <path...>",
			"then: root.pem of each agency that may certify agents",
		)
		.option(
			"--trust-bank <path...>",
			"then: root.pem of each bank that may certify modules",
		)
		.addOption(algorithmFlag());
	addSecretFlags(addKeyFlags(enroll))
		.addOption(jsonFlag())
		.addHelpText(
			"after",
			`
Examples:
  The key is made here and never leaves; carry alice.csr to the agency, and tell it the SHA-256:
    tetrad enroll --home alice --role agent --name alice --out alice.csr
  With the key in a token:
    tetrad enroll --home till --role module --name bob-till --out till.csr --pin-file pin \\
      --key "pkcs11:token=tills;object=till?module-path=/usr/lib/libsofthsm2.so"
  When the certificate is back:
    tetrad enroll --home alice --certificate alice.pem --trust-agency agency-root.pem --trust-bank bank-root.pem`,
		)
		.action(async (flags: EnrollFlags) => {
			const { enroll } = await import("./enroll.ts");
			await enroll(flags);
		});
}

import { asTetradError, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import type { SignEffect, SignedEvent } from "../../machine/index.ts";

/** Carries out `sign`, and answers with what came of it. A signer's own error becomes `key-store-failed`. */
export function signFor(
	signer: Signer,
	{ id, content }: SignEffect,
	answer: (event: SignedEvent) => void,
): void {
	signer.sign(content).then(
		(signature) => answer({ kind: "signed", id, signature }),
		(thrown: unknown) => {
			const error = asTetradError(thrown);
			answer({
				kind: "not-signed",
				id,
				error:
					error.code === "internal"
						? new TetradError(
								"key-store-failed",
								"the device's key did not sign",
								{ cause: thrown },
							)
						: error,
			});
		},
	);
}

/**
 * What a certificate attests about where its key lives. `software` attests nothing; `token` is
 * a PKCS#11 token and `tpm` a TPM, neither of which gives the key away.
 */
export type TamperResistance = "software" | "token" | "tpm";

/** In rising order. */
export const TAMPER_RESISTANCE: readonly TamperResistance[] = [
	"software",
	"token",
	"tpm",
];

export { type Certificate, parseCertificate } from "./certificate.ts";
export {
	certificateId,
	chainHash,
	deviceId,
	encodeChain,
	parseChain,
} from "./chain.ts";
export { ChainVerdicts } from "./chain-verdicts.ts";
export {
	type CertifiedKey,
	type DeviceRequest,
	type IntermediateRequest,
	type Issuer,
	issueDevice,
	issueIntermediate,
	issueRoot,
	type RootRequest,
	type Validity,
} from "./issue.ts";
export { parsePem, printPem } from "./pem.ts";
export {
	type Demands,
	type DeviceDemand,
	type FreshnessLimits,
	type Place,
	requireDemand,
	type TrustPolicy,
} from "./policy.ts";
export {
	type AuthorityKind,
	type DeviceRole,
	isCertifiedName,
	KIND_OF_ROLE,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
	ROLE_OF_KIND,
	ROLE_OID,
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "./profile.ts";
export type { Signer } from "./signer.ts";
export {
	CertifiedDevice,
	parseTrustAnchor,
	TrustAnchor,
	validateChain,
} from "./validate.ts";

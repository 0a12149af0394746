export { type Certificate, parseCertificate } from "./certificate.ts";
export {
	certificateId,
	chainHash,
	deviceId,
	encodeChain,
	parseChain,
} from "./chain.ts";
export { ChainVerdicts, type TrustPolicy } from "./chain-verdicts.ts";
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
	type AuthorityKind,
	type DeviceRole,
	isCertifiedName,
	KIND_OF_ROLE,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
	ROLE_OF_KIND,
	ROLE_OID,
} from "./profile.ts";
export type { Signer } from "./signer.ts";
export {
	CertifiedDevice,
	parseTrustAnchor,
	TrustAnchor,
	validateChain,
} from "./validate.ts";

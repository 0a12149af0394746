export {
	type DeviceGrant,
	grantDevice,
	grantIntermediate,
	type IntermediateGrant,
	type Issuer,
	issueDevice,
	issueIntermediate,
	issueRoot,
	type NewDevice,
	type NewIntermediate,
	type NewRoot,
	type Validity,
} from "./issue/issue.ts";
export {
	issueUntrustedList,
	type NewUntrustedList,
} from "./issue/issue-list.ts";
export {
	MAX_RENEWAL_BYTES,
	makeRenewal,
	type NewRenewal,
	openRenewal,
	Renewal,
} from "./issue/renewal.ts";
export {
	CertificationRequest,
	makeAuthorityRequest,
	makeRequest,
	type NewAuthorityRequest,
	type NewDeviceRequest,
	parseRequest,
} from "./issue/request.ts";
export {
	type Demands,
	type DeviceDemand,
	type FreshnessLimits,
	type Place,
	requireDemand,
	type TrustPolicy,
} from "./policy.ts";
export {
	encodeListNumbers,
	type ListNumber,
	MAX_LIST_NUMBERS_BYTES,
	parseListNumbers,
} from "./untrusted/list-numbers.ts";
export {
	authorityId,
	openUntrustedList,
	UNTRUSTED_REASONS,
	type UntrustedEntry,
	UntrustedList,
	type UntrustedReason,
} from "./untrusted/untrusted-list.ts";
export {
	type Examined,
	encodeBundle,
	MAX_BUNDLE_BYTES,
	type MissingList,
	type Offered,
	UntrustedLists,
} from "./untrusted/untrusted-lists.ts";
export { ChainVerdicts } from "./verdicts/chain-verdicts.ts";
export {
	type Certificate,
	parseCertificate,
	subjectText,
} from "./x509/certificate.ts";
export {
	certificateId,
	chainHash,
	deviceId,
	encodeChain,
	parseChain,
} from "./x509/chain.ts";
export {
	type PemLabel,
	parsePem,
	parsePemBlock,
	printPem,
	printPemBlock,
} from "./x509/pem.ts";
export {
	type AuthorityKind,
	type DeviceRole,
	isAuthorityName,
	isCertifiedName,
	KIND_OF_ROLE,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
	MAX_REQUEST_BYTES,
	ROLE_OF_KIND,
	ROLE_OID,
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "./x509/profile.ts";
export type { Signer } from "./x509/signer.ts";
export {
	CertifiedAuthority,
	CertifiedDevice,
	parseTrustAnchor,
	TrustAnchor,
	validateAuthority,
	validateChain,
} from "./x509/validate.ts";
export type { CertifiedKey } from "./issue/public-key-info.ts";

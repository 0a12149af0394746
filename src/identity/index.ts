export {
	type Certificate,
	parseCertificate,
	subjectText,
} from "./certificate.ts";
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
} from "./issue.ts";
export { issueUntrustedList, type NewUntrustedList } from "./issue-list.ts";
export {
	encodeListNumbers,
	type ListNumber,
	MAX_LIST_NUMBERS_BYTES,
	parseListNumbers,
} from "./list-numbers.ts";
export {
	type PemLabel,
	parsePem,
	parsePemBlock,
	printPem,
	printPemBlock,
} from "./pem.ts";
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
} from "./profile.ts";
export {
	MAX_RENEWAL_BYTES,
	makeRenewal,
	type NewRenewal,
	openRenewal,
	Renewal,
} from "./renewal.ts";
export {
	CertificationRequest,
	makeAuthorityRequest,
	makeRequest,
	type NewAuthorityRequest,
	type NewDeviceRequest,
	parseRequest,
} from "./request.ts";
export type { Signer } from "./signer.ts";
export {
	authorityId,
	openUntrustedList,
	UNTRUSTED_REASONS,
	type UntrustedEntry,
	UntrustedList,
	type UntrustedReason,
} from "./untrusted-list.ts";
export {
	type Examined,
	encodeBundle,
	MAX_BUNDLE_BYTES,
	type MissingList,
	type Offered,
	UntrustedLists,
} from "./untrusted-lists.ts";
export {
	CertifiedAuthority,
	CertifiedDevice,
	parseTrustAnchor,
	TrustAnchor,
	validateAuthority,
	validateChain,
} from "./validate.ts";

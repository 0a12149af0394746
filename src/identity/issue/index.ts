export {
	type DeviceGrant,
	grantDevice,
	grantIntermediate,
	type IntermediateGrant,
	type IssuingAuthority,
	issueDevice,
	issueIntermediate,
	issueRoot,
	type NewDevice,
	type NewIntermediate,
	type NewRoot,
	type Validity,
} from "./issue.ts";
export { issueUntrustedList, type NewUntrustedList } from "./issue-list.ts";
export type { CertifiedKey } from "./public-key-info.ts";
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

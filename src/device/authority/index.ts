export { Authority } from "./authority.ts";
export {
	installIntermediate,
	makeRoot,
	type NewAuthority,
	readRoots,
	requestIntermediate,
} from "./authority-home.ts";
export type { AuthorityRegister, IssuedRecord } from "./authority-register.ts";
export {
	beginEnrolment,
	type CarriedRequest,
	finishEnrolment,
} from "./enrolment.ts";
export {
	accusedBy,
	readAgencies,
	readBanks,
	readEvidence,
} from "./evidence-file.ts";
export type { Answer } from "./grants.ts";
export { issueDeviceHome } from "./issue-device-home.ts";
export {
	beginRecertification,
	finishRecertification,
	forgetPrevious,
} from "./recertification.ts";
export { SoftwareAuthority } from "./software-authority.ts";

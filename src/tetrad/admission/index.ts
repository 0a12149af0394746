export {
	Admission,
	type AdmissionCounts,
	type AdmissionEffect,
	type AdmissionEvent,
} from "./admission.ts";
export { partOf } from "./part-of.ts";

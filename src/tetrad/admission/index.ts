export {
	Admission,
	type AdmissionCounts,
	type AdmissionEffect,
	type AdmissionEvent,
} from "./admission.ts";

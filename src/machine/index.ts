export {
	type ClosedBy,
	type Ended,
	Machine,
	unexpected,
} from "./machine.ts";

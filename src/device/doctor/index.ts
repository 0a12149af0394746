export { type Examined, examine, findPatient } from "./examine.ts";
export {
	type Counted,
	type DeviceStatus,
	type SideStatus,
	statusOf,
} from "./status.ts";

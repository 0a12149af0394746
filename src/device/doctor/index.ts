export { type Examined, examine, findPatient } from "./examine.ts";
export { type DeviceStatus, type SideStatus, statusOf } from "./status.ts";

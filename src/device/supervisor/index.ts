export { answerOf, DeviceProcess } from "./device-process.ts";

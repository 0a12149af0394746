export { Audit, type AuditResult, type AuditStep } from "./audit.ts";

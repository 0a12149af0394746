const DAY_MS = 86_400_000;

/** How long a root is valid: ten years. */
export const ROOT_VALIDITY_MS: number = 3650 * DAY_MS;

/** How long an intermediate is valid unless the authority says otherwise, in days: five years. */
export const INTERMEDIATE_VALIDITY_DAYS = 1825;

/** How long a device certificate is valid unless the authority says otherwise, in days. */
export const DEVICE_VALIDITY_DAYS = 365;

/** Devices whose clocks are a little behind must not find a new certificate "not yet valid". */
export const BACKDATE_MS: number = 3_600_000;

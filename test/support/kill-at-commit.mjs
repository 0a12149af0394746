/*
 * Loaded before a command: kills the process at its nth durable write to a purse, right before it
 * or right after, as TETRAD_TEST_COMMIT says: "3 before".
 */
import { DatabaseSync } from "node:sqlite";

const [at, when] = (process.env.TETRAD_TEST_COMMIT ?? "0").split(" ");
let count = 0;

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
	const isHere =
		sql === "COMMIT" &&
		this.location()?.endsWith("purse.db") === true &&
		++count === Number(at);
	if (isHere && when === "before") process.kill(process.pid, "SIGKILL");
	const result = exec.call(this, sql);
	if (isHere) process.kill(process.pid, "SIGKILL");
	return result;
};

/*
 * Loaded before a command: kills the process at its nth durable write to a purse, right before it
 * or right after, as TETRAD_TEST_COMMIT says: "3 before". TETRAD_TEST_STORE names another store
 * than purse.db; with TETRAD_TEST_FROM=SIGUSR2, writes are counted from that signal on.
 */
import { DatabaseSync } from "node:sqlite";

const [at, when] = (process.env.TETRAD_TEST_COMMIT ?? "0").split(" ");
const store = process.env.TETRAD_TEST_STORE ?? "purse.db";
let isCounting = process.env.TETRAD_TEST_FROM === undefined;
let count = 0;

if (!isCounting)
	process.on("SIGUSR2", () => {
		isCounting = true;
	});

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
	const isHere =
		isCounting &&
		sql === "COMMIT" &&
		this.location()?.endsWith(store) === true &&
		++count === Number(at);
	if (isHere && when === "before") process.kill(process.pid, "SIGKILL");
	const result = exec.call(this, sql);
	if (isHere) process.kill(process.pid, "SIGKILL");
	return result;
};

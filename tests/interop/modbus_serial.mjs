// A modbus-serial server (npm) with the contents that modbus_peer.c describes; prints `ready PORT` and
// serves until killed. Exit 77 where the package is not installed (./dev accept installs it).
import { createRequire } from "node:module";
import { createServer } from "node:net";

const require = createRequire(import.meta.url);
let ServerTCP;
try {
    ({ ServerTCP } = require("modbus-serial"));
} catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    console.error("SKIPPED: the npm package modbus-serial is not installed in tests/interop; run npm ci there");
    process.exit(77);
}

const CELLS = 1000;
// Its own word for a range that does not exist, which it sends as exception 2.
const within = (address, value) => {
    if (address >= CELLS) throw Object.assign(new Error("no such address"), { modbusErrorCode: 2 });
    return value;
};

const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => {
        const server = new ServerTCP({
            getCoil: (address) => within(address, address % 2 === 0),
            getDiscreteInput: (address) => within(address, address % 3 === 0),
            getHoldingRegister: (address) => within(address, address * 3),
            getInputRegister: (address) => within(address, address + 1),
        }, { host: "127.0.0.1", port, unitID: 1 });
        server.on("initialized", () => console.log(`ready ${port}`));
    });
});

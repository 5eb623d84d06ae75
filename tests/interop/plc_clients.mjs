// Clients that are not ours (npm: mcprotocol, omron-fins) read from and write to our simulated PLCs,
// so that the simulators are right by somebody else's measure before they measure our drivers.
//
//     node plc_clients.mjs melsec|fins PLC_SIM
//
// Exit 77 where the packages are not installed (./dev accept installs them).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const [what, program] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const modules = { melsec: "mcprotocol", fins: "omron-fins" };

function load(name) {
    try {
        return require(name);
    } catch (error) {
        if (error.code !== "MODULE_NOT_FOUND") throw error;
        console.error(`SKIPPED: the npm package ${name} is not installed in tests/interop; run npm ci there`);
        process.exit(77);
    }
}

// The simulator ends with our end of its standard input.
async function startSimulator(kind) {
    const child = spawn(program, [kind], { stdio: ["pipe", "pipe", "inherit"] });
    for await (const line of createInterface({ input: child.stdout })) {
        const ready = /^ready (\d+)$/.exec(line);
        if (ready) return { port: Number(ready[1]), stop: () => child.stdin.end() };
    }
    throw new Error("the simulator did not start");
}

const patience = setTimeout(() => {
    console.error(`${what}: no end within 30 s`);
    process.exit(1);
}, 30000);

async function melsec(MC, port) {
    const client = new MC();
    await new Promise((resolve, reject) =>
        client.initiateConnection({ host: "127.0.0.1", port, ascii: false, frame: "3E" },
            (error) => (error ? reject(new Error(String(error))) : resolve())));
    client.setTranslationCB((name) => name);
    const read = (items) => new Promise((resolve, reject) => {
        client.removeItems();
        client.addItems(items);
        client.readAllItems((bad, values) => (bad ? reject(new Error(`bad: ${JSON.stringify(values)}`)) : resolve(values)));
    });
    // This client calls every answer to a 3E write bad: it looks for the subheader of 1E. What it reads
    // back is the judge.
    const write = (item, value) => new Promise((resolve) => client.writeItems(item, value, () => resolve()));

    const words = await read(["D100,10", "D7000", "R10"]);
    assert.deepEqual(words["D100,10"], [1100, 1101, 1102, 1103, 1104, 1105, 1106, 1107, 1108, 1109]);
    assert.equal(words.D7000, 8000);
    assert.equal(words.R10, 0);
    await write("D500,3", [7, -8, 9]);
    await write("DFLOAT600", 12.5);
    await write("DDINT610", -123456);
    const written = await read(["D499,5", "DFLOAT600", "DDINT610"]);
    assert.deepEqual(written["D499,5"], [1499, 7, -8, 9, 1503]);
    assert.equal(written.DFLOAT600, 12.5);
    assert.equal(written.DDINT610, -123456);
    // One block of bits: several of them merged read wrongly in this client, whoever answers.
    const bits = await read(["M0,8"]);
    assert.deepEqual(bits["M0,8"], [true, false, false, true, false, false, true, false]);
    await assert.rejects(read(["D7999,2"]), /bad/, "the end of the memory is refused");
    client.dropConnection();
}

async function finsOver(protocol, F, port) {
    const client = F.FinsClient(port, "127.0.0.1", { protocol, SA1: 1, DA1: 1, timeout: 3000 });
    const failed = new Promise((_, reject) => client.on("error", reject));
    // The package calls us back before it counts itself connected: one turn later it does.
    await Promise.race([failed, new Promise((resolve) => client.on("open", () => setImmediate(resolve)))]);
    const ask = (name, ...args) => Promise.race([failed, new Promise((resolve, reject) =>
        client[name](...args, (error, message) => (error ? reject(error) : resolve(message.response))))]);

    const words = await ask("read", "D100", 10);
    assert.equal(words.endCode, "0000");
    assert.deepEqual([...words.values], [1100, 1101, 1102, 1103, 1104, 1105, 1106, 1107, 1108, 1109]);
    assert.equal((await ask("write", "D500", [7, 8, 9])).endCode, "0000");
    assert.deepEqual([...(await ask("read", "D499", 5)).values], [1499, 7, 8, 9, 1503]);
    assert.equal((await ask("write", "W10.3", [true, false, true])).endCode, "0000");
    assert.deepEqual([...(await ask("read", "W10", 1)).values], [0x28]);
    assert.deepEqual([...(await ask("read", "W10.2", 4)).values].map(Boolean), [false, true, false, true]);
    const several = await ask("readMultiple", ["D100", "W10", "CIO3", "H0"]);
    assert.equal(several.endCode, "0000");
    assert.deepEqual([...several.values].map(Number), [1100, 0x28, 1, 0]);
    assert.equal((await ask("read", "D7999", 2)).endCode, "1104");
    const model = await ask("cpuUnitDataRead");
    assert.match(JSON.stringify(model), /CJ2M-CPU31/);
    assert.match(JSON.stringify(await ask("status")), /run/i);
    client.disconnect();
}

async function fins(F, port) {
    await finsOver("tcp", F, port);
    await finsOver("udp", F, port);
}

const library = load(modules[what]);
const simulator = await startSimulator(what);
try {
    await { melsec, fins }[what](library, simulator.port);
    console.log(`${what}: ${modules[what]} read and wrote as expected`);
} finally {
    simulator.stop();
    clearTimeout(patience);
}
process.exit(0);

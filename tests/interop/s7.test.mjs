// Our S7 driver against Snap7's server, and Snap7's and nodes7's clients against our simulated
// controller. Neither was written by us, so a misreading of the protocol cannot agree with itself.
//
//     node s7.test.mjs S7_PEER          exit 77 where the npm packages are not installed
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const program = process.argv[2];
const require = createRequire(import.meta.url);
const run = promisify(execFile);
const patience = setTimeout(() => {
    console.error("no end within 50 s");
    process.exit(1);
}, 50000);

function load(name) {
    try {
        return require(name);
    } catch (error) {
        if (error.code !== "MODULE_NOT_FOUND") throw error;
        console.error(`SKIPPED: the npm package ${name} is not installed in tests/interop; ./dev interop installs it`);
        process.exit(77);
    }
}

const snap7 = load("node-snap7");
const NodeS7 = load("nodes7");

async function freePort() {
    const probe = createServer();
    await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

// What s7_peer.c expects to find.
function fill() {
    const block = Buffer.alloc(1000), texts = Buffer.alloc(256), inputs = Buffer.alloc(64), outputs = Buffer.alloc(64);
    block.writeFloatBE(1.5, 0);
    block.writeInt16BE(-7, 4);
    block[6] = 2;
    block.writeBigInt64BE(-123456789012345n, 8);
    block[20] = 20;
    block[21] = 15;
    block.write("Orangensaft 1 l", 22, "latin1");
    for (let i = 0; i < 400; i++) block.writeUInt16BE(i, 100 + 2 * i);
    texts[0] = texts[1] = 254;
    texts.fill("long", 2, 256, "latin1");
    for (let i = 0; i < 64; i++) inputs[i] = outputs[i] = i;
    const counters = Buffer.alloc(32), timers = Buffer.alloc(32);
    // Snap7's server finds number n at byte n / 2; a controller has it at 2 n.
    counters.writeUInt16BE(0x0321, 0);
    timers.writeUInt16BE(0x1045, 1);
    return { block, texts, inputs, outputs, counters, timers, memory: Buffer.alloc(256, 0x5a) };
}

async function ourDriverAgainstSnap7() {
    const server = new snap7.S7Server(); // Held here: one that is collected stops listening.
    const data = fill();
    const port = await freePort();
    server.SetParam(1, port);
    server.RegisterArea(server.srvAreaDB, 1, data.block);
    server.RegisterArea(server.srvAreaDB, 2, data.texts);
    server.RegisterArea(server.srvAreaMK, data.memory);
    server.RegisterArea(server.srvAreaPE, data.inputs);
    server.RegisterArea(server.srvAreaPA, data.outputs);
    server.RegisterArea(server.srvAreaCT, data.counters);
    server.RegisterArea(server.srvAreaTM, data.timers);
    assert.notEqual(server.StartTo("127.0.0.1"), false, "Snap7's server starts");
    for (const options of ["", " pdu=480", " pdu=240 max_gap=0", " pdu=240 jobs=1", " max_gap=900", " slot=2 connection=op"]) {
        await run(program, ["check", `127.0.0.1:${port}`, `timeout_ms=3000${options}`]);
        console.log(`our driver, Snap7's server: all values read and written${options}`);
    }
    server.Stop();
    return [server, data];
}

async function startOurs() {
    const child = spawn(program, ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
    for await (const line of createInterface({ input: child.stdout })) {
        const ready = /^ready (\d+)$/.exec(line);
        if (ready) return { port: Number(ready[1]), stop: () => child.stdin.end() };
    }
    throw new Error("our simulated controller did not start");
}

async function nodes7AgainstOurs(port) {
    const client = new NodeS7({ silent: true, debug: false });
    await new Promise((resolve, reject) =>
        client.initiateConnection({ port, host: "127.0.0.1", rack: 0, slot: 1, timeout: 3000 },
            (error) => (error ? reject(new Error(`nodes7: ${error}`)) : resolve())));
    client.addItems(["DB1,INT4", "DB1,X6.1", "DB1,WORD100.200", "DB1,DWORD900", "MB10", "DB1,REAL600"]);
    const read = () => new Promise((resolve, reject) =>
        client.readAllItems((bad, values) => (bad ? reject(new Error(JSON.stringify(values))) : resolve(values))));
    const values = await read();
    assert.equal(values["DB1,INT4"], 0x0405);
    assert.equal(values["DB1,X6.1"], true);
    assert.equal(values["DB1,WORD100.200"].length, 200); // Longer than one answer of 480 bytes with the rest.
    assert.equal(values["DB1,WORD100.200"][77], 0xfeff);
    assert.equal(values["DB1,DWORD900"], 0x84858687);
    assert.equal(values.MB10, 30);
    const write = (item, value) => new Promise((resolve, reject) =>
        client.writeItems(item, value, (bad) => (bad ? reject(new Error(`${item} was not written`)) : resolve())));
    await write("DB1,REAL600", 2.5);
    await write("DB1,X6.1", false);
    const after = await read();
    assert.equal(after["DB1,REAL600"], 2.5);
    assert.equal(after["DB1,X6.1"], false);
    await new Promise((resolve) => client.dropConnection(resolve));
    console.log("nodes7, our controller: read and written");
}

function snap7AgainstOurs(port) {
    const client = new snap7.S7Client();
    client.SetParam(client.RemotePort, port);
    assert.ok(client.ConnectTo("127.0.0.1", 0, 1), "Snap7's client connects");
    assert.equal(client.PDULength(), 480);
    const bytes = client.DBRead(1, 100, 800); // Several jobs.
    assert.ok(Buffer.isBuffer(bytes), client.ErrorText(client.LastError()));
    for (let i = 0; i < 800; i++) if (i < 500 || i > 503) assert.equal(bytes[i], (100 + i) & 255);
    assert.equal(client.MBRead(4, 2)[1], 15);
    assert.ok(client.DBWrite(1, 950, 4, Buffer.from([9, 8, 7, 6])));
    assert.deepEqual([...client.DBRead(1, 950, 4)], [9, 8, 7, 6]);
    assert.equal(client.DBRead(5, 0, 4), false); // No such block.
    const info = client.GetCpuInfo();
    assert.ok(info, client.ErrorText(client.LastError()));
    assert.match(info.ModuleTypeName, /CPU 1512C-1 PN/);
    const many = client.ReadMultiVars([
        { Area: client.S7AreaDB, WordLen: client.S7WLByte, DBNumber: 1, Start: 1, Amount: 3 },
        { Area: client.S7AreaDB, WordLen: client.S7WLByte, DBNumber: 5, Start: 1, Amount: 3 },
        { Area: client.S7AreaMK, WordLen: client.S7WLByte, DBNumber: 0, Start: 2, Amount: 2 },
    ]);
    assert.deepEqual([...many[0].Data], [1, 2, 3]);
    assert.notEqual(many[1].Result, 0);
    assert.deepEqual([...many[2].Data], [6, 9]);
    client.Disconnect();
    console.log("Snap7's client, our controller: read, written and named");
}

const kept = await ourDriverAgainstSnap7();
const ours = await startOurs();
await nodes7AgainstOurs(ours.port);
snap7AgainstOurs(ours.port);
ours.stop();
clearTimeout(patience);
process.exit(kept.length === 2 ? 0 : 1);

// Our Sparkplug host against sparkplug-client's edge node, and our encoder against sparkplug-payload's
// decoder. Neither was written by us, so a misreading of the specification cannot agree with itself.
//
//     node sparkplug.test.mjs MQTT_PEER          exit 77 where the packages or the broker are missing
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = process.argv[2];
const require = createRequire(import.meta.url);
const BROKER = "/usr/sbin/mosquitto";
const patience = setTimeout(() => {
    console.error("no end within 50 s");
    process.exit(1);
}, 50000);

function skip(words) {
    console.error(`SKIPPED: ${words}`);
    process.exit(77);
}

function load(name) {
    try {
        return require(name);
    } catch (error) {
        if (error.code !== "MODULE_NOT_FOUND") throw error;
        return skip(`the npm package ${name} is not installed in tests/interop; ./dev interop installs it`);
    }
}

const client = load("sparkplug-client");
const payloads = load("sparkplug-payload").get("spBv1.0");
if (!existsSync(BROKER)) skip("no mosquitto; install the Debian package mosquitto");

async function freePort() {
    const probe = createServer();
    await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return port;
}

async function until(condition, words) {
    const end = Date.now() + 15000;
    while (!condition()) {
        assert.ok(Date.now() < end, words);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

function checkEncoder() {
    const bytes = Buffer.from(execFileSync(program, ["encode"]).toString().trim(), "hex");
    const payload = payloads.decodePayload(bytes);
    assert.equal(Number(payload.seq), 255);
    assert.equal(Number(payload.timestamp), 1700000000123);
    const wanted = {
        Int8: -5, Int16: -300, Int32: -70000, Int64: "-5000000000", UInt8: 200, UInt16: 60000, UInt32: 4000000000,
        UInt64: "9000000000000000000", Float: 1.5, Double: -2.25e100, Boolean: true, 온도: "사출 1호기",
        When: "1700000000123", Nothing: null,
    };
    assert.equal(payload.metrics.length, Object.keys(wanted).length);
    for (const metric of payload.metrics) {
        const value = typeof wanted[metric.name] === "string" ? String(metric.value) : metric.value;
        // The package reads UInt32 as a signed number; the bits are what counts.
        assert.equal(metric.name === "UInt32" ? value >>> 0 : value, wanted[metric.name], metric.name);
    }
    const byName = Object.fromEntries(payload.metrics.map((metric) => [metric.name, metric]));
    assert.equal(Number(byName.UInt16.alias), 6);
    assert.equal(byName.Boolean.isHistorical, true);
    assert.equal(byName.Double.properties.Quality.value, 500);
}

const NAMES = ["온도", "Counts/Good", "Running", "State", "Table"];
const time = 1700000000000;
const nodeMetrics = () => [
    { name: "온도", type: "Double", value: 21.5, timestamp: time },
    { name: "Counts/Good", type: "Int8", value: -7, timestamp: time },
    { name: "Running", type: "Boolean", value: true, timestamp: time },
    { name: "State", type: "String", value: "운전", timestamp: time },
    { name: "Table", type: "DataSet", timestamp: time,
      value: { numOfColumns: 2, columns: ["a", "b"], types: ["Int32", "String"], rows: [[-1, "x"]] } },
];

async function checkHost(port) {
    const edge = client.newClient({
        serverUrl: `tcp://127.0.0.1:${port}`, username: "", password: "", groupId: "Plant 1", edgeNode: "E",
        clientId: "edge", version: "spBv1.0", publishDeath: true,
    });
    let rebirths = 0;
    const birth = () => {
        edge.publishNodeBirth({ timestamp: time, metrics: nodeMetrics() });
        edge.publishDeviceBirth("Press", { timestamp: time, metrics: [{ name: "Count", type: "UInt32", value: 5, timestamp: time }] });
    };
    let born = false;
    edge.on("birth", () => { born = true; birth(); });
    edge.on("ncmd", (payload) => {
        assert.equal(payload.metrics.length, 1);
        assert.equal(payload.metrics[0].name, "Node Control/Rebirth");
        assert.equal(payload.metrics[0].value, true);
        rebirths++;
        birth();
    });
    await until(() => born, "the edge node was not born");

    const sources = [...NAMES.map((name) => `sparkplug:"Plant 1/E" ${name}`), 'sparkplug:"Plant 1/E/Press" Count'];
    const peer = spawn(program, ["host", `127.0.0.1:${port}`, "mode=sparkplug host_id=maru", ...sources]);
    peer.stderr.pipe(process.stderr);
    const rows = sources.map(() => []);
    createInterface({ input: peer.stdout }).on("line", (line) => {
        const [, index, ms, status, ...rest] = line.split(" ");
        rows[Number(index)].push({ ms: Number(ms), status, value: rest.join(" ") });
    });
    const last = (index) => rows[index][rows[index].length - 1];
    const has = (index, value) => rows[index].some((row) => row.value === value);

    // It came later than the births, so it must ask for them, and once only.
    await until(() => has(0, "21.5") && has(5, "5"), "no values of the births");
    assert.equal(rebirths, 1);
    assert.deepEqual(last(0), { ms: time, status: "0", value: "21.5" });
    assert.equal(last(1).value, "-7");
    assert.equal(last(2).value, "1");
    assert.equal(last(3).value, "운전");
    assert.equal(last(4).value, '{"columns":["a","b"],"rows":[[-1,"x"]]}');

    // Data, in numbered order, on node and device.
    for (let i = 1; i <= 300; i++) {
        edge.publishNodeData({ timestamp: time + i, metrics: [{ name: "온도", type: "Double", value: i, timestamp: time + i }] });
        edge.publishDeviceData("Press", { timestamp: time + i, metrics: [{ name: "Count", type: "UInt32", value: 4000000000 + i, timestamp: time + i }] });
    }
    await until(() => has(5, "4000000300"), "not all data came");
    const got = rows[0].filter((row) => row.ms > time && row.status === "0").map((row) => Number(row.value));
    assert.deepEqual(got, Array.from({ length: 300 }, (_, i) => i + 1));
    assert.equal(rebirths, 1, "no gap, so nothing is asked for again");

    edge.publishDeviceDeath("Press", { timestamp: time });
    await until(() => last(5).status === "808a0000", "the device's death was not seen");
    assert.equal(last(0).status, "0");
    edge.stop();
    await until(() => last(0).status === "808a0000", "the node's death was not seen");
    peer.stdin.end();
    await new Promise((resolve) => peer.on("close", resolve));
}

checkEncoder();
const port = await freePort();
const folder = mkdtempSync(join(tmpdir(), "maru-sparkplug-"));
writeFileSync(join(folder, "m.conf"), `user root\nlistener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n`);
const broker = spawn(BROKER, ["-c", join(folder, "m.conf")], { stdio: "ignore" });
try {
    await checkHost(port);
    console.log("sparkplug: births, rebirth, 600 data messages, deaths and every type of our encoder agree");
} finally {
    broker.kill();
    rmSync(folder, { recursive: true, force: true });
    clearTimeout(patience);
}
process.exit(0);

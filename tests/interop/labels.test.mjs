// The codes of our labels, as dots that go to a printer, against a reader of other people: ZXing. What it reads goes
// back to the program, which must find the lot by it and the dates in it.
//
//     node labels.test.mjs MARU      exit 77 where the package is missing
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

const maru = process.argv[2];
async function load(name) {
    try {
        return await import(name);
    } catch (error) {
        if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
        console.error(`SKIPPED: the npm package ${name} is not installed in tests/interop; ./dev interop installs it`);
        return process.exit(77);
    }
}
const { default: zxing } = await load("@zxing/library");
const { BarcodeFormat, BinaryBitmap, DecodeHintType, GlobalHistogramBinarizer, MultiFormatReader, RGBLuminanceSource } = zxing;

const QUIET = 40;
/** The symbol of a ^GFA field as [format, text]; null where it is none. */
function read(bytes, perRow) {
    const [wide, high] = [perRow * 8, bytes.length / perRow];
    const [columns, rows] = [wide + 2 * QUIET, high + 2 * QUIET];
    const grey = new Uint8ClampedArray(columns * rows).fill(255);
    for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) {
            if ((bytes[y * perRow + (x >> 3)] >> (7 - (x & 7))) & 1) grey[(y + QUIET) * columns + x + QUIET] = 0;
        }
    }
    const reader = new MultiFormatReader();
    reader.setHints(new Map([
        [DecodeHintType.POSSIBLE_FORMATS, [BarcodeFormat.CODE_128, BarcodeFormat.QR_CODE, BarcodeFormat.DATA_MATRIX]],
        [DecodeHintType.TRY_HARDER, true],
        [DecodeHintType.ASSUME_GS1, true],
    ]));
    try {
        const found = reader.decode(new BinaryBitmap(new GlobalHistogramBinarizer(new RGBLuminanceSource(grey, columns, rows))));
        return [BarcodeFormat[found.getBarcodeFormat()], found.getText()];
    } catch {
        return null; // Letters.
    }
}
const symbolsOf = (zpl) => [...zpl.matchAll(/\^GFA,\d+,\d+,(\d+),([0-9A-F]+)\^FS/g)].map(([, perRow, hex]) => read(Buffer.from(hex, "hex"), Number(perRow))).filter(Boolean);

const demo = spawn(maru, ["demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
try {
    let said = "";
    demo.stdout.on("data", (bytes) => (said += bytes));
    for (const end = Date.now() + 30_000; !/^setup .*#(\S+)$/m.test(said); ) {
        assert.ok(Date.now() < end, said);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const url = /^ready (\S+)$/m.exec(said)[1];
    const headers = { "X-Requested-With": "maru", "Content-Type": "application/json" };
    const signed = await fetch(`${url}/api/v1/session/link`, { method: "POST", headers, body: JSON.stringify({ secret: /#(\S+)$/m.exec(said)[1] }) });
    assert.ok(signed.ok, await signed.text());
    headers.Cookie = signed.headers.get("set-cookie").split(";")[0];
    const plant = `${url}/api/v1/plants/demo`;
    const ask = async (method, path, body, more = {}) => {
        const answer = await fetch(`${plant}/${path}`, { method, headers: { ...headers, ...more }, body: body && JSON.stringify(body) });
        assert.ok(answer.ok, `${path}: ${answer.status}`);
        return answer;
    };
    await ask("POST", "master/items", { fields: { code: "GS", name: "Housing", kind: "product", unit: "EA", gtin: "8809999000013" } });
    await ask("POST", "events", { type: "stock.receive", item: "GS", quantity: 24, lot: "L-261122/07", place: "FG", expires: "2060-01-31" }, { "Idempotency-Key": "labels-1" });
    for (const dpi of [203, 300]) {
        const plain = symbolsOf(await (await ask("GET", `labels/lot/${encodeURIComponent("L-261122/07")}?format=zpl&dpi=${dpi}`)).text());
        assert.deepEqual(plain.map(([format]) => format).sort(), ["CODE_128", "QR_CODE"]);
        assert.ok(plain.every(([, text]) => text === "L-261122/07"), JSON.stringify(plain));
        const gs1 = symbolsOf(await (await ask("GET", `labels/lot/${encodeURIComponent("L-261122/07")}?format=zpl&dpi=${dpi}&label=LOT-GS1`)).text());
        assert.deepEqual(gs1.map(([format]) => format).sort(), ["CODE_128", "DATA_MATRIX"]);
        for (const [format, text] of gs1) {
            const code = (format === "CODE_128" ? "]C1" : "]d2") + text.replace(/^\x1d/, "");
            const { found, receipt } = await (await ask("GET", `codes?code=${encodeURIComponent(code)}`)).json();
            assert.deepEqual(found.map((one) => `${one.kind} ${one.code}`), ["lot L-261122/07", "item GS"]);
            assert.deepEqual([receipt.item, receipt.gtin, receipt.partner_lot, receipt.expires], ["GS", "08809999000013", "L-261122/07", "2060-01-31"]);
        }
    }
    console.log("labels: every code is read back as it was written");
} finally {
    demo.kill("SIGTERM");
    await once(demo, "exit");
}

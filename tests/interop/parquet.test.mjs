// Our Parquet against two readers of other people: hyparquet (JavaScript) and DuckDB (a database). Neither was
// written by us, so a misreading of the format cannot agree with itself.
//
//     node parquet.test.mjs MARU TEST_TABLE_PARQUET      exit 77 where the packages are missing
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [maru, maker] = process.argv.slice(2);
const ROWS_OF_GROUP = 128 * 1024;
const LONG = 200000; // Rows of one tag: more than a row group.
const T0 = 1735689600000000000n; // 2025-01-01T00:00:00Z
const STEP = 1000000007n;
const QUOTED = "'"; // DuckDB's mark around texts.

async function load(name) {
    try {
        return await import(name);
    } catch (error) {
        if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
        console.error(`SKIPPED: the npm package ${name} is not installed in tests/interop; ./dev interop installs it`);
        return process.exit(77);
    }
}

const hyparquet = await load("hyparquet");
const { compressors } = await load("hyparquet-compressors");
const duckdb = await load("@duckdb/node-api");
const folder = mkdtempSync(join(tmpdir(), "maru-parquet-"));
const database = await (await duckdb.DuckDBInstance.create(":memory:")).connect();

function run(...args) {
    return execFileSync(maru, args, { maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "pipe"] }).toString();
}

async function ask(sql) {
    return (await database.runAndReadAll(sql)).getRowObjects();
}

function quoted(text) {
    return `${QUOTED}${text.replaceAll(QUOTED, QUOTED + QUOTED)}${QUOTED}`;
}

// hyparquet gives rows as objects; a moment as a Date, which has no nanoseconds: those are read as numbers.
async function hyparquetRows(path) {
    const file = await hyparquet.asyncBufferFromFile(path);
    const metadata = await hyparquet.parquetMetadataAsync(file);
    const parsers = { ...hyparquet.DEFAULT_PARSERS, timestampFromNanoseconds: (nanos) => nanos };
    const rows = await hyparquet.parquetReadObjects({ file, metadata, compressors, parsers });
    return { metadata, rows };
}

/* ---- A table of our own, of every type ---- */

// "[cell][cell]" lines as the unit tests write them; texts may hold line breaks.
function shown(value) {
    if (value === null || value === undefined) return "~";
    if (typeof value === "boolean") return value ? "1" : "0";
    if (typeof value === "number") {
        if (Number.isNaN(value)) return "nan";
        if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
        return Object.is(value, -0) ? "-0" : String(value);
    }
    return String(value);
}

// Rows as lines, two spellings of one number (1e+308, 1e308) made one, columns without nanoseconds left out.
function same(rows, names, wanted, leave) {
    const kept = names.map((name, i) => i).filter((i) => !leave.includes(names[i]));
    const lines = wanted.replaceAll("e+", "e").split("]\n").slice(0, -1).map((line) => line.slice(1).split("]["));
    assert.equal(rows.length, lines.length);
    rows.forEach((row, at) => {
        const seen = kept.map((i) => shown(row[names[i]]).replaceAll("e+", "e"));
        assert.deepEqual(seen, kept.map((i) => lines[at][i]), `row ${at}`);
    });
}

async function everyType() {
    const path = join(folder, "golden.parquet");
    execFileSync(maker, ["--write", path, `${path}.txt`]);
    const wanted = readFileSync(`${path}.txt`, "utf8");
    const { rows, metadata } = await hyparquetRows(path);
    const names = Object.keys(rows[0]);
    assert.equal(names.length, 12);
    assert.equal(metadata.row_groups.length, 3);
    same(rows, names, wanted, []);
    console.log(`hyparquet: ${rows.length} rows of every type are what was written`);
    const columns = await ask(`DESCRIBE SELECT * FROM read_parquet(${quoted(path)})`);
    assert.deepEqual(columns.slice(0, 5).map((column) => column.column_type), ["BOOLEAN", "UINTEGER", "BIGINT", "DOUBLE", "VARCHAR"]);
    assert.equal(columns[5].column_type, "TIMESTAMP WITH TIME ZONE"); // Microseconds: so it reads nanoseconds in UTC.
    const again = await ask(`SELECT * FROM read_parquet(${quoted(path)})`);
    same(again, names, wanted, ["time", "time?"]);
    const [{ value }] = await ask(`SELECT decode(value) AS value FROM parquet_kv_metadata(${quoted(path)}) WHERE decode(key) = 'maru.plant'`);
    assert.equal(value, "본사");
    console.log(`DuckDB: ${again.length} rows of every type are what was written`);
}

/* ---- What a plant exports ---- */

function time(nanos) {
    const ms = new Date(Number(nanos / 1000000n)).toISOString().slice(0, 19);
    return `${ms}.${String(nanos % 1000000000n).padStart(9, "0")}Z`;
}

function samples() {
    const rows = [];
    let random = 12345;
    for (let i = 0; i < LONG; i++) {
        random = (random * 1103515245 + 12345) % 2147483648;
        rows.push(["line1.oven.temp", T0 + BigInt(i) * STEP, String((random % 100000) / 64 - 500), "good"]);
    }
    const add = (tag, values) => values.forEach(([value, quality], i) => rows.push([tag, T0 + BigInt(i) * 1000000001n, value, quality ?? "good"]));
    add("moulder1.temp", [["-0"], ["0.1"], ["inf"], ["-inf", "uncertain"], ["5e-324"], ["nan"], ["", "bad"], ["7", "bad"]]);
    add("line1.count", [["9223372036854775807"], ["-9223372036854775808"], ["9007199254740993"], ["0"]]);
    add("line1.run", [["true"], ["false", "uncertain"], ["true"]]);
    add("line1.state", [["정지"], [""], ["x".repeat(4096)], ["가".repeat(1365)], ["정지"]]);
    return rows;
}

function makeHome(rows) {
    const home = join(folder, "home");
    run("init", home);
    const tags = join(folder, "tags.csv");
    writeFileSync(tags, "tag,type\nline1.oven.temp,f64\nmoulder1.temp,f64\nline1.count,i64\nline1.run,bool\nline1.state,text\nline1.none,f64\n");
    run("import", home, tags, "--as", "tags");
    const csv = join(folder, "samples.csv");
    writeFileSync(csv, `tag,time,value,quality\n${rows.map(([tag, at, value, quality]) => [tag, time(at), value, quality].join(",")).join("\n")}\n`);
    run("import", home, csv, "--as", "samples");
    return home;
}

async function sameAsQuery(home, path) {
    const table = `read_parquet(${quoted(path)})`;
    const found = await ask(`SELECT tag, count(*) AS rows, count(value) FILTER (quality <> 'bad' AND NOT isnan(value)) AS count,
        min(value) FILTER (quality <> 'bad' AND NOT isnan(value)) AS min, max(value) FILTER (quality <> 'bad' AND NOT isnan(value)) AS max,
        fsum(value) FILTER (quality <> 'bad' AND isfinite(value)) AS sum FROM ${table} GROUP BY tag`);
    assert.equal(found.length, 5);
    for (const row of found.filter(({ tag }) => tag !== "line1.state")) {
        const [head, line] = run("query", home, row.tag, "--agg", "count,min,max,sum").trim().split(/\r?\n/).map((text) => text.split(","));
        const wanted = Object.fromEntries(head.map((name, i) => [name, line[i]]));
        assert.equal(Number(row.count), Number(wanted.count), `${row.tag} count`);
        const number = (text) => (text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));
        assert.equal(row.min, number(wanted.min), `${row.tag} min`);
        assert.equal(row.max, number(wanted.max), `${row.tag} max`);
        if (wanted.sum !== "") { // Infinities of both signs have no sum.
            assert.ok(Math.abs(row.sum - number(wanted.sum)) <= 1e-12 * Math.abs(row.sum), `${row.tag} sum: ${row.sum}, not ${wanted.sum}`);
        }
    }
    const [{ found: hot }] = await ask(`SELECT count(*) AS found FROM ${table} WHERE tag = 'line1.oven.temp' AND value > 500`);
    const [{ found: late, first, last }] = await ask(`SELECT count(*) AS found, epoch_us(min(time)) AS first, epoch_us(max(time)) AS last
        FROM ${table} WHERE time >= make_timestamptz(${(T0 + 190000n * STEP) / 1000n + 1n}) AND tag = 'line1.oven.temp'`);
    const wanted = samples().filter(([tag, , value]) => tag === "line1.oven.temp" && Number(value) > 500).length;
    assert.equal(Number(hot), wanted); // Groups are passed over by their bounds.
    assert.equal(Number(late), LONG - 190001);
    assert.equal(first, (T0 + 190001n * STEP) / 1000n);
    assert.equal(last, (T0 + BigInt(LONG - 1) * STEP) / 1000n);
    console.log("DuckDB: count, least, largest and sum of each tag are those of maru query");
}

async function sameAsSent(rows, path) {
    const { rows: seen, metadata } = await hyparquetRows(path);
    assert.ok(metadata.row_groups.length >= 2 && Number(metadata.row_groups[0].num_rows) === ROWS_OF_GROUP);
    assert.equal(metadata.key_value_metadata.find(({ key }) => key === "maru.time_zone").value, "Asia/Seoul");
    assert.match(metadata.created_by, /^maru version /);
    assert.equal(seen.length, rows.length);
    const byKey = new Map(rows.map((row) => [`${row[0]} ${row[1]}`, row]));
    for (const row of seen) {
        const [tag, , value, quality] = byKey.get(`${row.tag} ${row.time}`);
        assert.equal(row.quality, quality);
        assert.equal(row.status !== 0, quality !== "good");
        if (tag === "line1.state") {
            assert.deepEqual([row.value ?? null, row.value_int ?? null, row.value_text], [null, null, value]);
            continue;
        }
        assert.equal(row.value_text ?? null, null);
        if (value === "") {
            assert.equal(row.value ?? null, null); // Nothing came.
        } else if (tag === "line1.count") {
            assert.equal(row.value_int, BigInt(value));
            assert.equal(row.value, Number(value));
        } else {
            assert.equal(row.value_int ?? null, null);
            const number = { true: 1, false: 0, inf: Infinity, "-inf": -Infinity, nan: NaN }[value] ?? Number(value);
            assert.ok(Object.is(row.value, number), `${tag}: ${row.value}, not ${value}`);
        }
    }
    console.log(`hyparquet: ${seen.length} rows of ${metadata.row_groups.length} groups are what was sent in`);
}

async function empty(home) {
    const path = join(folder, "empty.parquet");
    run("export", home, "--as", "samples", "--format", "parquet", "--tags", "line1.none", "-o", path);
    assert.equal((await hyparquetRows(path)).rows.length, 0);
    const [{ count }] = await ask(`SELECT count(*) AS count FROM read_parquet(${quoted(path)})`);
    assert.equal(Number(count), 0);
    console.log("both: a table without rows has its columns and no rows");
}

try {
    await everyType();
    const rows = samples();
    const home = makeHome(rows);
    const path = join(folder, "all.parquet");
    run("export", home, "--as", "samples", "--format", "parquet", "-o", path);
    await sameAsSent(rows, path);
    await sameAsQuery(home, path);
    await empty(home);
    assert.throws(() => execFileSync(maru, ["export", home, "--as", "tags", "--format", "parquet"], { stdio: "pipe" }), /samples/);
    assert.equal(readdirSync(folder).filter((name) => name.endsWith(".parquet")).length, 3);
} finally {
    rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

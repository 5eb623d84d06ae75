/*
 * Sparkplug B payloads against bytes that the npm package sparkplug-payload 1.0.3 wrote, and what
 * ours writes. Rules of the specification are named by their tck-id.
 */
#include "wire/sparkplug.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/mem.h"

enum { SCRATCH_BYTES = 4096, TIME_MS_LOW = 0 };
static const uint64_t TIME_MS = 1700000000123;

/* Written by sparkplug-payload 1.0.3 (spBv1.0): a metric of each type that it knows. */
static const char PEER[] =
    "08fbd095ffbc3112150a026938100118fbd095ffbc31200150fbffffff0f12140a0369313618fbd095ffbc31"
    "200250d4fdffff0f120d0a0369333220035090ddfbff0f12120a03693634200458809ce8afedffffffff0112"
    "090a027538200550c801120b0a03753136200650e0d403120d0a0375333220075880d0acf30e12110a037536"
    "34200858808090948e8a9bf37c12150a067536346269672008588080a0a89c94b6e6f901120a0a0166200965"
    "0000c03f120e0a0164200a69ed5b47cae292c4d412070a0162200b7001121a0a06ec98a8eb8f84200c7a0eec"
    "82acecb69c2031ed98b8eab8b0120f0a047768656e200d58fbd095ffbc31120a0a0474657874200e7a001212"
    "0a0475756964200f7a086638316434666165124b0a0373657420108a01410803120161120162120163180118"
    "0c180a22180a0608ffffffff0f0a033201780a0921000000000000e03f22140a0208020a033201790a092100"
    "0000000000f03f120e0a0562797465732011820102ff00120a0a046e756c6c200a380112150a046869737418"
    "93c995ffbc31200328013001500312340a03626164200a4a220a07656e67556e69740a075175616c69747912"
    "07080c42036261721205080318f40369000000000000f03f1206100920035009121b0a0374706c2013920111"
    "0a013112070a016d20035001220174280018072203752d312a03010203";

static void put_hex(struct buf *out, const char *hex) {
    for (; hex[0] != '\0'; hex += 2) {
        unsigned byte = 0;
        for (int i = 0; i < 2; i++) {
            byte = byte << 4 | (unsigned)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
        }
        buf_put_char(out, (char)byte);
    }
}

/* The metric of that name, or of that alias where the name is NULL. */
static struct sparkplug_metric metric_of(
    const struct sparkplug_payload *payload, const char *name, uint64_t alias) {
    struct sparkplug_metric metric;
    size_t at = 0;
    while (sparkplug_next(payload, &at, &metric)) {
        if (name != NULL ? metric.has_name && str_eq(metric.name, str_of(name))
                         : !metric.has_name && metric.has_alias && metric.alias == alias) {
            return metric;
        }
    }
    fail_msg("no metric %s", name != NULL ? name : "of that alias");
    return metric;
}

static void the_peers_payload_reads_as_it_was_meant(void **state) {
    (void)state;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 4096);
    put_hex(&bytes, PEER);
    struct sparkplug_payload payload;
    struct err err = ERR_INIT;
    assert_int_equal(sparkplug_parse(buf_str(&bytes), &payload, &err), 0);
    assert_true(payload.has_time && payload.time_ms == TIME_MS);
    assert_true(payload.has_seq && payload.seq == 7);
    assert_int_equal(payload.metric_count, 23);
    assert_true(str_eq(payload.uuid, STR("u-1")) && payload.body.size == 3);
    static const struct {
        const char *name;
        enum sparkplug_kind kind;
        int64_t i64;
        double f64;
        const char *text;
    } CASES[] = {
        {"i8", SPARKPLUG_IS_I64, -5, 0, ""},
        {"i16", SPARKPLUG_IS_I64, -300, 0, ""},
        {"i32", SPARKPLUG_IS_I64, -70000, 0, ""},
        {"i64", SPARKPLUG_IS_I64, -5000000000, 0, ""},
        {"u8", SPARKPLUG_IS_I64, 200, 0, ""},
        {"u16", SPARKPLUG_IS_I64, 60000, 0, ""},
        {"u32", SPARKPLUG_IS_I64, 4000000000, 0, ""},
        {"u64", SPARKPLUG_IS_I64, 9000000000000000000, 0, ""},
        {"u64big", SPARKPLUG_OUT_OF_RANGE, 0, 0, ""},
        {"f", SPARKPLUG_IS_F64, 0, 1.5, ""},
        {"d", SPARKPLUG_IS_F64, 0, -2.25e100, ""},
        {"b", SPARKPLUG_IS_BOOL, 1, 0, ""},
        {"온도", SPARKPLUG_IS_TEXT, 0, 0, "사출 1호기"},
        {"when", SPARKPLUG_IS_I64, 1700000000123, 0, ""},
        {"text", SPARKPLUG_IS_TEXT, 0, 0, ""},
        {"uuid", SPARKPLUG_IS_TEXT, 0, 0, "f81d4fae"},
        {"set", SPARKPLUG_IS_TEXT, 0, 0,
            "{\"columns\":[\"a\",\"b\",\"c\"],\"rows\":[[-1,\"x\",0.5],[2,\"y\",1]]}"},
        {"bytes", SPARKPLUG_NO_VALUE, 0, 0, ""},
        {"null", SPARKPLUG_IS_NULL, 0, 0, ""},
        {"hist", SPARKPLUG_IS_I64, 3, 0, ""},
        {"bad", SPARKPLUG_IS_F64, 0, 1, ""},
        {"tpl", SPARKPLUG_NO_VALUE, 0, 0, ""},
    };
    AUTO_BUF struct buf scratch;
    buf_init(&scratch, SCRATCH_BYTES);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct sparkplug_metric metric = metric_of(&payload, CASES[i].name, 0);
        struct sparkplug_value value;
        sparkplug_value_get(&metric, metric.datatype, &scratch, &value);
        if (value.kind != CASES[i].kind) {
            fail_msg("%s is kind %d", CASES[i].name, (int)value.kind);
        }
        assert_true(value.i64 == CASES[i].i64 && value.f64 == CASES[i].f64);
        if (!str_eq(value.text, str_of(CASES[i].text))) {
            fail_msg("%s is %.*s", CASES[i].name, STR_ARG(value.text));
        }
    }
    struct sparkplug_metric first = metric_of(&payload, "i8", 0);
    assert_true(first.has_alias && first.alias == 1 && first.has_time && first.time_ms == TIME_MS);
    assert_int_equal(metric_of(&payload, NULL, 9).number, 9);
    struct sparkplug_metric late = metric_of(&payload, "hist", 0);
    assert_true(late.is_historical && late.is_transient && late.time_ms == TIME_MS - 1000);
    struct sparkplug_metric stale = metric_of(&payload, "bad", 0);
    assert_true(stale.has_quality && stale.quality == SPARKPLUG_QUALITY_STALE);
}

static void a_damaged_payload_gives_nothing(void **state) {
    (void)state;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 4096);
    put_hex(&bytes, PEER);
    uint32_t refused = 0;
    for (size_t size = 1; size < bytes.size; size++) {
        AUTO_FREE char *exact = mem_alloc(size);
        memcpy(exact, bytes.data, size);
        struct sparkplug_payload payload;
        struct err err = ERR_INIT;
        int result = sparkplug_parse((struct str){exact, size}, &payload, &err);
        refused += result < 0;
        assert_true(result == 0 || (result == -ERR_FRAME && err.code == ERR_FRAME));
    }
    /* Only the ends between two top fields are payloads too: time, 23 metrics, seq, uuid, body. */
    assert_int_equal(bytes.size - 1 - refused, 1 + 23 + 2);
    static const char *const BAD[] = {"00", "0b", "0c", "12", "1203", "120308", "09", "1000",
        "18ffffffffffffffffffff", "12020a05", "12020800", "12025200", "12040a00480a"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        buf_clear(&bytes);
        put_hex(&bytes, BAD[i]);
        struct sparkplug_payload payload;
        if (sparkplug_parse(buf_str(&bytes), &payload, NULL) != -ERR_FRAME) {
            fail_msg("%s was accepted", BAD[i]);
        }
    }
}

static enum sparkplug_kind integer(
    enum sparkplug_type type, enum sparkplug_field field, uint64_t number, int64_t *ret_value) {
    struct sparkplug_metric metric = {.field = field, .number = number};
    struct sparkplug_value value;
    AUTO_BUF struct buf scratch;
    buf_init(&scratch, SCRATCH_BYTES);
    sparkplug_value_get(&metric, type, &scratch, &value);
    *ret_value = value.i64;
    return value.kind;
}

static void integers_are_taken_in_any_width_that_fits(void **state) {
    (void)state;
    int64_t value = 0;
    assert_int_equal(integer(SPARKPLUG_INT8, SPARKPLUG_FIELD_INT, 0xFB, &value), SPARKPLUG_IS_I64);
    assert_int_equal(value, -5);
    assert_int_equal(
        integer(SPARKPLUG_INT8, SPARKPLUG_FIELD_INT, 0xFFFFFFFB, &value), SPARKPLUG_IS_I64);
    assert_int_equal(value, -5);
    assert_int_equal(integer(SPARKPLUG_INT8, SPARKPLUG_FIELD_LONG, 0xFFFFFFFFFFFFFFFB, &value),
        SPARKPLUG_IS_I64);
    assert_int_equal(value, -5);
    assert_int_equal(
        integer(SPARKPLUG_INT8, SPARKPLUG_FIELD_INT, 0x100, &value), SPARKPLUG_OUT_OF_RANGE);
    assert_int_equal(
        integer(SPARKPLUG_UINT8, SPARKPLUG_FIELD_INT, 256, &value), SPARKPLUG_OUT_OF_RANGE);
    assert_int_equal(
        integer(SPARKPLUG_UINT32, SPARKPLUG_FIELD_INT, 4000000000, &value), SPARKPLUG_IS_I64);
    assert_int_equal(value, 4000000000);
    assert_int_equal(
        integer(SPARKPLUG_INT32, SPARKPLUG_FIELD_STRING, 0, &value), SPARKPLUG_MISMATCH);
    assert_int_equal(
        integer(SPARKPLUG_UNKNOWN, SPARKPLUG_FIELD_LONG, UINT64_MAX, &value), SPARKPLUG_IS_I64);
    assert_int_equal(value, -1);
}

static void arrays_become_json(void **state) {
    (void)state;
    static const struct {
        enum sparkplug_type type;
        const char *hex;
        const char *text; // NULL: mismatch.
    } CASES[] = {
        {SPARKPLUG_INT8_ARRAY, "ff017f", "[-1,1,127]"},
        {SPARKPLUG_INT16_ARRAY, "feff0100", "[-2,1]"},
        {SPARKPLUG_INT32_ARRAY, "ffffffff", "[-1]"},
        {SPARKPLUG_INT64_ARRAY, "ffffffffffffffff", "[-1]"},
        {SPARKPLUG_UINT8_ARRAY, "ff", "[255]"},
        {SPARKPLUG_UINT16_ARRAY, "ffff", "[65535]"},
        {SPARKPLUG_UINT32_ARRAY, "ffffffff", "[4294967295]"},
        {SPARKPLUG_FLOAT_ARRAY, "0000c03f", "[1.5]"},
        {SPARKPLUG_DOUBLE_ARRAY, "000000000000f83f", "[1.5]"},
        {SPARKPLUG_BOOLEAN_ARRAY, "0a000000a040",
            "[true,false,true,false,false,false,false,false,false,true]"},
        {SPARKPLUG_STRING_ARRAY, "61620000", "[\"ab\",\"\"]"},
        {SPARKPLUG_DATETIME_ARRAY, "0100000000000000", "[1]"},
        {SPARKPLUG_INT16_ARRAY, "fe", NULL},
        {SPARKPLUG_BOOLEAN_ARRAY, "0a000000a0", NULL},
        {SPARKPLUG_STRING_ARRAY, "6162", NULL},
    };
    AUTO_BUF struct buf scratch;
    buf_init(&scratch, SCRATCH_BYTES);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        AUTO_BUF struct buf bytes;
        buf_init(&bytes, 100);
        put_hex(&bytes, CASES[i].hex);
        struct sparkplug_metric metric = {.field = SPARKPLUG_FIELD_BYTES, .bytes = buf_str(&bytes)};
        struct sparkplug_value value;
        sparkplug_value_get(&metric, CASES[i].type, &scratch, &value);
        if (CASES[i].text == NULL) {
            assert_int_equal(value.kind, SPARKPLUG_MISMATCH);
        } else {
            assert_int_equal(value.kind, SPARKPLUG_IS_TEXT);
            assert_string_equal(buf_z(&scratch), CASES[i].text);
        }
    }
}

/* What ours writes, byte for byte as the schema says; tests/interop lets the peer read the same. */
static void writing_gives_the_bytes_of_the_schema(void **state) {
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    sparkplug_put_time(&out, 5);
    struct sparkplug_metric metric = {.name = STR("a"),
        .has_name = true,
        .alias = 3,
        .has_alias = true,
        .time_ms = 300,
        .has_time = true,
        .is_historical = true,
        .has_quality = true,
        .quality = 192};
    sparkplug_set_i64(&metric, SPARKPLUG_INT8, -1);
    sparkplug_put_metric(&out, &metric);
    sparkplug_put_seq(&out, 255);
    AUTO_BUF struct buf wanted;
    buf_init(&wanted, 4096);
    put_hex(&wanted, "0805"
                     "1224"
                     "0a0161"
                     "1003"
                     "18ac02"
                     "2001"
                     "2801"
                     "4a10"
                     "0a075175616c697479"
                     "1205"
                     "0803"
                     "18c001"
                     "50ffffffff0f"
                     "18ff01");
    assert_int_equal(out.size, wanted.size);
    assert_memory_equal(out.data, wanted.data, out.size);
}

static void what_is_written_is_read_again(void **state) {
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    AUTO_BUF struct buf big;
    buf_init(&big, 40000);
    for (int i = 0; i < 33000; i++) {
        buf_put_char(&big, 'x'); // Its length takes three bytes.
    }
    struct sparkplug_metric metrics[5] = {0};
    sparkplug_set_f64(&metrics[0], SPARKPLUG_FLOAT, 0.25);
    sparkplug_set_f64(&metrics[1], SPARKPLUG_DOUBLE, -1e-300);
    sparkplug_set_bool(&metrics[2], true);
    sparkplug_set_text(&metrics[3], SPARKPLUG_STRING, buf_str(&big));
    sparkplug_set_i64(&metrics[4], SPARKPLUG_UINT32, 4000000000);
    for (int i = 0; i < 5; i++) {
        metrics[i].alias = (uint64_t)i;
        metrics[i].has_alias = true;
        sparkplug_put_metric(&out, &metrics[i]);
    }
    struct sparkplug_payload payload;
    assert_int_equal(sparkplug_parse(buf_str(&out), &payload, NULL), 0);
    assert_int_equal(payload.metric_count, 5);
    size_t at = 0;
    for (int i = 0; i < 5; i++) {
        struct sparkplug_metric metric;
        assert_true(sparkplug_next(&payload, &at, &metric));
        assert_int_equal(metric.alias, i);
        assert_int_equal(metric.field, metrics[i].field);
        assert_true(metric.number == metrics[i].number && metric.real == metrics[i].real);
        assert_int_equal(metric.bytes.size, metrics[i].bytes.size);
    }
    struct sparkplug_metric none;
    assert_false(sparkplug_next(&payload, &at, &none));
}

/* tck-id-topics-*-topic: spBv1.0/GROUP/VERB/EDGE, the device for D-messages and only for them;
 * tck-id-topic-structure-namespace-valid-group-id and its sisters for edge and device. */
static void topics_have_their_form(void **state) {
    (void)state;
    struct sparkplug_topic topic;
    assert_true(sparkplug_topic_parse(STR("spBv1.0/공장 1/DDATA/e/press"), &topic));
    assert_int_equal(topic.verb, SPARKPLUG_DDATA);
    assert_true(str_eq(topic.group, STR("공장 1")) && str_eq(topic.edge, STR("e")));
    assert_true(str_eq(topic.device, STR("press")));
    assert_true(sparkplug_topic_parse(STR("spBv1.0/g/NDEATH/e"), &topic));
    assert_int_equal(topic.device.size, 0);
    static const char *const BAD[] = {"spBv1.0/g/NDATA/e/d", "spBv1.0/g/DDATA/e",
        "spBv1.0/g/NDATA/", "spBv1.0//NDATA/e", "spBv1.0/STATE/host", "spBv1.0/g/DDATA/e/d/x",
        "spAv1.0/g/NDATA/e", "spBv1.0/g/XDATA/e", "spBv1.0/g+/NDATA/e", "spBv1.0/g/DDATA/e/", "",
        "spBv1.0"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(sparkplug_topic_parse(str_of(BAD[i]), &topic));
    }
    assert_string_equal(sparkplug_verb_name(SPARKPLUG_DCMD), "DCMD");
    assert_string_equal(sparkplug_type_name(SPARKPLUG_DATETIME_ARRAY), "DateTimeArray");
    assert_string_equal(sparkplug_type_name(99), "Unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peers_payload_reads_as_it_was_meant),
        cmocka_unit_test(a_damaged_payload_gives_nothing),
        cmocka_unit_test(integers_are_taken_in_any_width_that_fits),
        cmocka_unit_test(arrays_become_json),
        cmocka_unit_test(writing_gives_the_bytes_of_the_schema),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(topics_have_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

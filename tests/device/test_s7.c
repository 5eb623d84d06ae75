/*
 * The driver s7: its addresses, every capture in tests/captures/s7_*.cap played through the whole
 * poller, the storm, and the simulated controller (sim_s7.h, no code shared) in memory and on a
 * port.
 */
#include "support_capture.h"

#include <stdio.h>

#include "core/mem.h"
#include "device/drivers/s7.h"
#include "sim/sim_s7.h"
#include "support_contract.h"

enum { DB = S7_AREA_DB << 16, BLOCK_BYTES = 4096, MANY_TAGS = 100 };

static struct driver_settings default_settings(void) {
    const struct driver *driver = driver_find(STR("s7"));
    struct driver_settings settings = {0};
    for (size_t i = 0; driver->options[i].name != NULL; i++) {
        settings.values[i] = driver->options[i].fallback;
    }
    return settings;
}

static void addresses_of_every_form_are_understood(void **state) {
    (void)state;
    static const struct {
        const char *source;
        uint32_t space, start, length, format, bit;
        enum value_type type;
    } cases[] = {
        {"DB1.DBX0.3", DB | 1, 0, 1, S7_BOOL, 3, TYPE_BOOL},
        {"DB1.DBX0.3 bool", DB | 1, 0, 1, S7_BOOL, 3, TYPE_BOOL},
        {"%DB1.DBB2", DB | 1, 2, 1, S7_BYTE, 0, TYPE_I64},
        {"db1.dbw4", DB | 1, 4, 2, S7_WORD, 0, TYPE_I64},
        {"DB1.DBW4 int", DB | 1, 4, 2, S7_INT, 0, TYPE_I64},
        {"DB1.DBD8 real", DB | 1, 8, 4, S7_REAL, 0, TYPE_F64},
        {"  DB1.DBD8   REAL ", DB | 1, 8, 4, S7_REAL, 0, TYPE_F64},
        {"DB1.DBD8", DB | 1, 8, 4, S7_DWORD, 0, TYPE_I64},
        {"DB65535.10 lreal", DB | 65535, 10, 8, S7_LREAL, 0, TYPE_F64},
        {"DB1.10.7", DB | 1, 10, 1, S7_BOOL, 7, TYPE_BOOL},
        {"DB1.DBX20.0 string(16)", DB | 1, 20, 18, S7_STRING, 0, TYPE_TEXT},
        {"DB1.DBB20 string[16]", DB | 1, 20, 18, S7_STRING, 0, TYPE_TEXT},
        {"DB1.20 string", DB | 1, 20, 256, S7_STRING, 0, TYPE_TEXT},
        {"DB1.20 wstring(1022)", DB | 1, 20, 2048, S7_WSTRING, 0, TYPE_TEXT},
        {"DB1.20 char(9)", DB | 1, 20, 9, S7_CHAR, 0, TYPE_TEXT},
        {"DB1.20 char", DB | 1, 20, 1, S7_CHAR, 0, TYPE_TEXT},
        {"DB1.20 dtl", DB | 1, 20, 12, S7_DTL, 0, TYPE_TEXT},
        {"DB1,REAL8", DB | 1, 8, 4, S7_REAL, 0, TYPE_F64},
        {"DB1,X6.1", DB | 1, 6, 1, S7_BOOL, 1, TYPE_BOOL},
        {"DB1,INT4", DB | 1, 4, 2, S7_INT, 0, TYPE_I64},
        {"DB1,S20.10", DB | 1, 20, 12, S7_STRING, 0, TYPE_TEXT},
        {"DB1,S5TIME4", DB | 1, 4, 2, S7_S5TIME, 0, TYPE_I64},
        {"MW10", S7_AREA_MEMORY << 16, 10, 2, S7_WORD, 0, TYPE_I64},
        {"MW10 int", S7_AREA_MEMORY << 16, 10, 2, S7_INT, 0, TYPE_I64},
        {"M0.1", S7_AREA_MEMORY << 16, 0, 1, S7_BOOL, 1, TYPE_BOOL},
        {"MX0.1", S7_AREA_MEMORY << 16, 0, 1, S7_BOOL, 1, TYPE_BOOL},
        {"M10 real", S7_AREA_MEMORY << 16, 10, 4, S7_REAL, 0, TYPE_F64},
        {"IW64", S7_AREA_INPUT << 16, 64, 2, S7_WORD, 0, TYPE_I64},
        {"EW64 int", S7_AREA_INPUT << 16, 64, 2, S7_INT, 0, TYPE_I64},
        {"E0.7", S7_AREA_INPUT << 16, 0, 1, S7_BOOL, 7, TYPE_BOOL},
        {"Q0.0", S7_AREA_OUTPUT << 16, 0, 1, S7_BOOL, 0, TYPE_BOOL},
        {"A0.0", S7_AREA_OUTPUT << 16, 0, 1, S7_BOOL, 0, TYPE_BOOL},
        {"AB3", S7_AREA_OUTPUT << 16, 3, 1, S7_BYTE, 0, TYPE_I64},
        {"T5", S7_AREA_TIMER << 16, 5, 1, S7_TIMER, 0, TYPE_I64},
        {"C3", (uint32_t)S7_AREA_COUNTER << 16, 3, 1, S7_COUNTER, 0, TYPE_I64},
        {"z3", (uint32_t)S7_AREA_COUNTER << 16, 3, 1, S7_COUNTER, 0, TYPE_I64},
        {"DB1.65535 byte", DB | 1, 65535, 1, S7_BYTE, 0, TYPE_I64},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {0};
        struct err err = ERR_INIT;
        if (s7_parse_address(str_of(cases[i].source), &settings, &point, &err) != 0) {
            fail_msg("%s: %s", cases[i].source, words_of(&err));
        }
        bool same =
            cases[i].space == point.space && cases[i].start == point.start &&
            cases[i].length == point.length && cases[i].format == point.detail[S7_DETAIL_FORMAT] &&
            cases[i].bit == point.detail[S7_DETAIL_BIT] && cases[i].type == point.natural_type;
        if (!same) {
            fail_msg("%s: space %x start %u length %u format %u bit %u", cases[i].source,
                point.space, point.start, point.length, point.detail[S7_DETAIL_FORMAT],
                point.detail[S7_DETAIL_BIT]);
        }
    }
}

static void a_wrong_address_is_refused_with_words_that_name_the_fault(void **state) {
    (void)state;
    static const struct {
        const char *source;
        enum msg_id msg;
    } cases[] = {
        {"", MSG_S7_AREA_UNKNOWN},
        {"PIW64", MSG_S7_AREA_UNKNOWN},
        {"V10", MSG_S7_AREA_UNKNOWN},
        {"MR10", MSG_S7_AREA_UNKNOWN},
        {"holding:0", MSG_S7_AREA_UNKNOWN},
        {"\"Motor\".speed", MSG_S7_AREA_UNKNOWN},
        {"DB0.DBW0", MSG_S7_BLOCK_NUMBER},
        {"DB65536.DBW0", MSG_S7_BLOCK_NUMBER},
        {"DB.DBW0", MSG_S7_BLOCK_NUMBER},
        {"DB1", MSG_S7_BLOCK_PLACE},
        {"DB1.", MSG_S7_BLOCK_PLACE},
        {"DB1:4", MSG_S7_BLOCK_PLACE},
        {"DB1.DBW", MSG_S7_BYTE_RANGE},
        {"DB1.DBW-4", MSG_S7_BYTE_RANGE},
        {"DB1.DBW65536", MSG_S7_BYTE_RANGE},
        {"MW", MSG_S7_BYTE_RANGE},
        {"T", MSG_S7_BYTE_RANGE},
        {"M99999999999.1", MSG_S7_BYTE_RANGE},
        {"DB1.DBX0.8", MSG_S7_BIT_RANGE},
        {"M0.", MSG_S7_BIT_RANGE},
        {"DB1.DBX0", MSG_S7_BIT_MISSING},
        {"DB1.0 bool", MSG_S7_BIT_MISSING},
        {"DB1.DBX0.3 int", MSG_S7_BIT_TYPE},
        {"DB1.DBW4.1 int", MSG_S7_BIT_TYPE},
        {"DB1.4 float", MSG_S7_TYPE_UNKNOWN},
        {"DB1.4 int(3)", MSG_S7_TYPE_UNKNOWN},
        {"DB1.4 string(3", MSG_S7_TYPE_UNKNOWN},
        {"DB1.DBQ4", MSG_S7_TYPE_UNKNOWN},
        {"DB1,REAL4 real", MSG_S7_TYPE_TWICE},
        {"DB1.4", MSG_S7_TYPE_MISSING},
        {"M4", MSG_S7_TYPE_MISSING},
        {"DB1.DBW4 real", MSG_S7_WIDTH},
        {"DB1.DBD4 int", MSG_S7_WIDTH},
        {"DB1.DBB4 int", MSG_S7_WIDTH},
        {"DB1.DBW4 string(4)", MSG_S7_WIDTH},
        {"DB1.4 string(0)", MSG_S7_STRING_LENGTH},
        {"DB1.4 string(255)", MSG_S7_STRING_LENGTH},
        {"DB1.4 wstring(1023)", MSG_S7_STRING_LENGTH},
        {"DB1,S4.255", MSG_S7_STRING_LENGTH},
        {"T5 time", MSG_S7_COUNTED_TYPE},
        {"DB1.65534 real", MSG_S7_END},
    };
    struct driver_settings settings = default_settings();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct point point = {.tag = 77};
        struct err err = ERR_INIT;
        int result = s7_parse_address(str_of(cases[i].source), &settings, &point, &err);
        if (result != -ERR_INVALID || err.notes[0].msg != cases[i].msg) {
            fail_msg("%s: %d %s", cases[i].source, result, words_of(&err));
        }
        assert_int_equal(77, point.tag); // Untouched on failure.
    }
}

static void every_capture_gives_what_it_says(void **state) {
    (void)state;
    capture_play_all("s7", 30);
}

/* ---- a controller in memory ---- */

/* DB1 holds source i (from 1) at byte 8 (i - 1), as 32 bits; DB9 holds texts; others do not exist.
 */
struct plant {
    struct sim_s7_source source;
    struct sim_s7_manner manner;
    struct sim_s7_session session;
    enum sim_s7_fault fault;
    uint32_t generation;
    bool hung_up;
    uint8_t texts[BLOCK_BYTES];
    uint8_t memory[64];
};

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static int plant_read(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
    uint8_t *ret_bytes) {
    const struct plant *plant = context;
    uint8_t numbers[8 * MANY_TAGS] = {0};
    const uint8_t *from = numbers;
    size_t size = sizeof numbers;
    for (uint32_t i = 0; i < MANY_TAGS; i++) {
        put32(numbers + (size_t)i * 8, (i + 1) * CONTRACT_STEP + plant->generation);
    }
    if (area == SIM_S7_MEMORY) {
        from = plant->memory;
        size = sizeof plant->memory;
    } else if (area == SIM_S7_DB && block == 9) {
        from = plant->texts;
        size = sizeof plant->texts;
    } else if (area != SIM_S7_DB || block != 1) {
        return SIM_S7_NO_OBJECT;
    }
    if (start + count > size) {
        return SIM_S7_OUTSIDE;
    }
    memcpy(ret_bytes, from + start, count);
    return SIM_S7_GOOD;
}

static int plant_write(void *context, uint8_t area, uint16_t block, uint32_t start, uint32_t count,
    int bit, const uint8_t *bytes) {
    struct plant *plant = context;
    (void)block;
    if (area != SIM_S7_MEMORY || start + count > sizeof plant->memory) {
        return SIM_S7_OUTSIDE;
    }
    if (bit < 0) {
        memcpy(plant->memory + start, bytes, count);
    } else {
        uint8_t mask = (uint8_t)(1u << bit);
        plant->memory[start] = (uint8_t)((plant->memory[start] & ~mask) | (bytes[0] ? mask : 0));
    }
    return SIM_S7_GOOD;
}

static void plant_open(void *context) {
    struct plant *plant = context;
    sim_s7_session_init(&plant->session, &plant->source, &plant->manner);
    plant->hung_up = false;
}

static void plant_respond(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct plant *plant = context;
    plant->session.fault = plant->fault;
    plant->hung_up = plant->hung_up || !sim_s7_session_feed(&plant->session, data, size, answer);
}

static void plant_generation(void *context, uint32_t generation) {
    ((struct plant *)context)->generation = generation;
}

static struct plant *plant_new(uint16_t pdu) {
    struct plant *plant = mem_zero(1, sizeof *plant);
    plant->source = (struct sim_s7_source){plant, plant_read, plant_write};
    plant->manner = (struct sim_s7_manner){.pdu = pdu, .jobs = 4};
    plant_open(plant);
    return plant;
}

static void storm(uint16_t pdu, const char *options, uint64_t seed) {
    /* Eight bytes apart: with max_gap=0 each is an item of its own, with more they are one. */
    static const char *const sources[] = {"DB1.DBD0", "DB1.DBD8", "DB1.DBD16 dint", "DB1.24 udint",
        "DB1.DBD32", "DB1.DBD40", "DB1.DBD48", "DB1.DBD56", "DB1.DBD64", "DB1.DBD72", "DB1.DBD80",
        "DB1.DBD88", NULL};
    struct plant *plant = plant_new(pdu);
    struct contract_peer peer = {.driver = "s7",
        .address = "127.0.0.1:1",
        .options = options,
        .sources = sources,
        .context = plant,
        .set_generation = plant_generation,
        .respond = plant_respond,
        .opened = plant_open};
    (void)contract_storm(&peer, seed, 100000);
    assert_true(plant->session.most_bytes <= pdu);
    mem_free(plant);
}

static void a_storm_on_the_line_brings_no_wrong_value(void **state) {
    (void)state;
    storm(960, "timeout_ms=20", 5);
    storm(112, "timeout_ms=20 max_gap=0", 6); // Several jobs of several items.
}

/* ---- packing ---- */

struct trial {
    struct plant *plant;
    struct memory_link *link;
    struct rig rig;
    struct tag_line tags[MANY_TAGS + 1];
    char names[MANY_TAGS][8];
    char sources[MANY_TAGS][32];
    uint32_t count;
};

static void trial_answer(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    struct trial *trial = context;
    static const uint8_t connect = 0xE0;
    if (size > 5 && data[5] == connect) {
        plant_open(trial->plant);
    }
    plant_respond(trial->plant, data, size, answer);
    trial->link->closes = trial->plant->hung_up;
}

static void trial_add(struct trial *trial, const char *source) {
    uint32_t i = trial->count++;
    (void)snprintf(trial->names[i], sizeof trial->names[i], "t%u", i + 1);
    (void)snprintf(trial->sources[i], sizeof trial->sources[i], "%s", source);
    trial->tags[i] = (struct tag_line){trial->names[i], "d", trial->sources[i]};
}

static void trial_start(struct trial *trial, const char *options) {
    struct device_line device = {"d", "s7", "127.0.0.1:1", options, 1000};
    trial->link = memory_link_new(trial_answer, trial);
    rig_init(&trial->rig, &device, trial->tags, &trial->link->link);
}

static struct trial *trial_new(uint16_t pdu) {
    struct trial *trial = mem_zero(1, sizeof *trial);
    trial->plant = plant_new(pdu);
    return trial;
}

static void trial_free(struct trial *trial) {
    rig_fini(&trial->rig);
    mem_free(trial->plant);
    mem_free(trial);
}

static void scattered_values_share_jobs_of_twenty_items(void **state) {
    (void)state;
    static const uint16_t pdus[] = {112, 240, 480, 960};
    for (size_t k = 0; k < sizeof pdus / sizeof pdus[0]; k++) {
        struct trial *trial = trial_new(pdus[k]);
        for (uint32_t i = 0; i < MANY_TAGS; i++) {
            char source[32];
            (void)snprintf(source, sizeof source, "DB1.DBD%u", i * 8);
            trial_add(trial, source);
        }
        trial_start(trial, "max_gap=0");
        struct err err = ERR_INIT;
        assert_int_equal(0, rig_connect(&trial->rig, &err));
        assert_int_equal(0, rig_poll(&trial->rig, &err));
        for (uint32_t i = 1; i <= MANY_TAGS; i++) {
            assert_int_equal(i * CONTRACT_STEP, box_last(&trial->rig.box, i).row.value.i64);
        }
        /* Bytes: an item costs 12 in the request and 8 in the answer. */
        uint32_t fits = (pdus[k] - 12u) / 12;
        uint32_t items = fits < S7_ITEMS_MAX ? fits : S7_ITEMS_MAX;
        assert_int_equal(items, trial->plant->session.most_items);
        assert_int_equal((MANY_TAGS + items - 1) / items, trial->plant->session.jobs);
        trial_free(trial);
    }
}

static void neighbours_are_one_item_that_fills_the_answer_to_the_last_byte(void **state) {
    (void)state;
    struct trial *trial = trial_new(240);
    for (uint32_t i = 0; i < MANY_TAGS; i++) {
        char source[32];
        (void)snprintf(source, sizeof source, "DB1.DBW%u", i * 6); // Gaps of four bytes.
        trial_add(trial, source);
    }
    trial_start(trial, "timeout_ms=1000");
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&trial->rig, &err));
    assert_int_equal(0, rig_poll(&trial->rig, &err));
    for (uint32_t i = 1; i <= MANY_TAGS; i++) {
        assert_int_equal(STATUS_GOOD, box_last(&trial->rig.box, i).row.status);
    }
    assert_int_equal(3, trial->plant->session.jobs); // 596 bytes, at most 222 each.
    assert_int_equal(1, trial->plant->session.most_items);
    trial_free(trial);
}

static void long_texts_come_in_parts_where_the_answer_is_short(void **state) {
    (void)state;
    struct trial *trial = trial_new(240);
    uint8_t *texts = trial->plant->texts;
    for (uint32_t i = 0; i < 3; i++) { // Three STRINGs and a WSTRING, each longer than an answer.
        texts[i * 256] = 254;
        texts[i * 256 + 1] = 254;
        memset(texts + i * 256 + 2, (int)('a' + i), 254);
    }
    texts[768] = 0;
    texts[769] = 200;
    texts[771] = 200;
    for (uint32_t i = 0; i < 200; i++) {
        texts[772 + 2 * i] = 0xAC;
    }
    trial_add(trial, "DB9.0 string");
    trial_add(trial, "DB9.256 string");
    trial_add(trial, "DB9.512 string");
    trial_add(trial, "DB9.768 wstring(200)");
    trial_add(trial, "DB9.0 byte");
    trial_start(trial, "timeout_ms=1000");
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&trial->rig, &err));
    for (int poll = 0; poll < 2; poll++) {
        assert_int_equal(0, rig_poll(&trial->rig, &err));
        for (uint32_t i = 0; i < 3; i++) {
            struct box_row last = box_last(&trial->rig.box, i + 1);
            assert_int_equal(STATUS_GOOD, last.row.status);
            assert_int_equal(254, strlen(last.text));
            assert_int_equal('a' + (int)i, last.text[0]);
            assert_int_equal('a' + (int)i, last.text[253]);
        }
        assert_int_equal(STATUS_GOOD, box_last(&trial->rig.box, 4).row.status);
        assert_int_equal(254, box_last(&trial->rig.box, 5).row.value.i64);
    }
    assert_true(trial->plant->session.most_bytes <= 240);
    trial_free(trial);
}

/* ---- connecting ---- */

static void check_refusal(
    enum sim_s7_fault fault, const char *options, int code, const char *words) {
    struct trial *trial = trial_new(240);
    trial->plant->fault = fault;
    trial->plant->manner.only_slot = fault == SIM_S7_FINE;
    trial->plant->manner.slot = 2;
    trial_add(trial, "DB1.DBD0");
    trial_start(trial, options);
    struct err err = ERR_INIT;
    assert_int_equal(-code, rig_connect(&trial->rig, &err));
    if (strstr(words_of(&err), words) == NULL) {
        fail_msg("%s", words_of(&err));
    }
    trial_free(trial);
}

static void a_refused_connection_says_what_to_look_at(void **state) {
    (void)state;
    check_refusal(SIM_S7_FINE, "slot=1", ERR_CLOSED, "the slot is wrong");
    check_refusal(SIM_S7_FULL, "slot=2", ERR_CLOSED, "connections are all in use");
    check_refusal(SIM_S7_DISCONNECT, "slot=2", ERR_DEVICE, "reason 3");
    check_refusal(SIM_S7_SILENT, "timeout_ms=20", ERR_TIMEOUT, "no answer");
    check_refusal(SIM_S7_GARBAGE, "timeout_ms=20", ERR_FRAME, "not ISO-on-TCP");
    check_refusal(SIM_S7_CUT, "timeout_ms=20", ERR_FRAME, "broke off");
}

static void the_right_slot_connects_and_a_denied_access_is_told(void **state) {
    (void)state;
    struct trial *trial = trial_new(240);
    trial->plant->manner.only_slot = true;
    trial->plant->manner.slot = 2;
    trial_add(trial, "DB1.DBD0");
    trial_add(trial, "DB2.DBD0");
    trial_start(trial, "slot=2");
    struct err err = ERR_INIT;
    assert_int_equal(0, rig_connect(&trial->rig, &err));
    trial->plant->fault = SIM_S7_DENY;
    assert_int_equal(0, rig_poll(&trial->rig, &err));
    assert_int_equal(STATUS_BAD_CONFIGURATION, (int)box_last(&trial->rig.box, 1).row.status);
    trial->plant->fault = SIM_S7_FINE;
    assert_int_equal(0, rig_poll(&trial->rig, &err));
    assert_int_equal(STATUS_GOOD, box_last(&trial->rig.box, 1).row.status);
    struct device_health health;
    assert_true(health_copy(trial->rig.health, trial->rig.clock, &health));
    assert_non_null(strstr(words_of(&health.last_error), "has no DB2"));
    trial_free(trial);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    static const struct {
        const char *source;
        double value;
    } cases[] = {{"M0.3", 1}, {"MB1", 200}, {"MW2 int", -7}, {"MD4 real", 2.5},
        {"MD8 dint", -70000}, {"M12 lreal", 0.1}, {"MW20 s5time", 12300}, {"MD22 time", -1},
        {"M26 lint", -5e15}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct trial *trial = trial_new(240);
    for (uint32_t i = 0; i < CASES; i++) {
        trial_add(trial, cases[i].source);
    }
    trial_start(trial, "timeout_ms=1000");
    struct err err = ERR_INIT;
    const struct device_plan *plan = trial->rig.plan;
    assert_int_equal(0, rig_connect(&trial->rig, &err));
    for (uint32_t i = 0; i < plan->point_count; i++) {
        struct sample value = {.type = TYPE_F64, .value.f64 = cases[plan->points[i].tag - 1].value};
        assert_int_equal(0, poller_write(&trial->rig.poller, plan, &plan->points[i], &value, &err));
    }
    assert_int_equal(1 << 3, trial->plant->memory[0]); // Only the bit.
    assert_int_equal(0, rig_poll(&trial->rig, &err));
    for (uint32_t i = 0; i < CASES; i++) {
        struct box_row last = box_last(&trial->rig.box, i + 1);
        assert_true(sample_number(&last.row) == cases[i].value);
    }
    trial_free(trial);
}

/* ---- on a port ---- */

static void a_controller_on_the_network_is_read_through_all_its_moods(void **state) {
    (void)state;
    struct plant *plant = plant_new(240);
    struct sim_s7_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_s7_server_start(&plant->source, &plant->manner, 0, &server, &err));
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)sim_s7_server_port(server));
    struct device_line device = {"d", "s7", address, "timeout_ms=300", 1000};
    struct tag_line tags[] = {
        {"t1", "d", "DB1.DBD0"}, {"t2", "d", "DB1.DBD792"}, {NULL, NULL, NULL}};
    static const enum sim_s7_fault faults[] = {SIM_S7_SLOW, SIM_S7_SILENT, SIM_S7_FINE, SIM_S7_CUT,
        SIM_S7_GARBAGE, SIM_S7_OLD_REFERENCE, SIM_S7_FULL, SIM_S7_FINE};
    struct rig rig;
    rig_init(&rig, &device, tags, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sim_s7_server_misbehave(server, faults[i]);
        rig.plan->units[0].next_try_ns = 0;
        int result = rig.poller.connected ? 0 : rig_connect(&rig, &err);
        result = result == 0 ? rig_poll(&rig, &err) : result;
        if (result < 0) {
            poller_disconnect(&rig.poller);
            poller_mark_bad(&rig.poller, rig.plan, STATUS_BAD_COMMUNICATION);
        }
        bool good = faults[i] == SIM_S7_SLOW || faults[i] == SIM_S7_FINE;
        for (uint32_t tag = 1; tag <= 2; tag++) {
            struct box_row last = box_last(&rig.box, tag);
            assert_int_equal(good, last.row.status == (uint32_t)STATUS_GOOD);
            assert_true(!good || last.row.value.i64 == (tag == 1 ? 1 : 100) * CONTRACT_STEP);
        }
    }
    assert_int_equal(1, sim_s7_server_clients(server)); // None was left open.
    sim_s7_server_kill(server);
    assert_true(rig_poll(&rig, &err) < 0);
    poller_disconnect(&rig.poller);
    assert_true(rig_connect(&rig, &err) < 0);
    assert_int_equal(0, sim_s7_server_revive(server, &err));
    assert_int_equal(0, rig_connect(&rig, &err));
    assert_int_equal(0, rig_poll(&rig, &err));
    rig_fini(&rig);
    sim_s7_server_stop(server);
    mem_free(plant);
}

/* The greeting names the slot, so what is read over it is that CPU's alone. */
static void slots_at_one_address_have_sessions_of_their_own(void **state) {
    (void)state;
    struct plant *plant = plant_new(240);
    plant->manner.only_slot = true;
    plant->manner.slot = 2;
    struct sim_s7_server *server = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(0, sim_s7_server_start(&plant->source, &plant->manner, 0, &server, &err));
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)sim_s7_server_port(server));
    struct device_line devices[] = {{"d", "s7", address, "slot=2", 20},
        {"e", "s7", address, "slot=1", 20}, {"f", "s7", address, "slot=2 timeout_ms=900", 20},
        {NULL, NULL, NULL, NULL, 0}};
    struct tag_line tags[] = {{"t1", "d", "DB1.DBD0"}, {"t2", "e", "DB1.DBD0"},
        {"t3", "f", "DB1.DBD0"}, {NULL, NULL, NULL}};
    struct box box;
    box_init(&box);
    struct catalogue *catalogue = make_catalogue(devices, tags);
    struct device_set_options options = {.port = box_port(&box), .random_seed = 5};
    struct device_set *set = device_set_new(&options);
    device_set_apply(set, catalogue);
    assert_true(box_wait_good(&box, 1, 3));
    assert_true(box_wait_good(&box, 3, 3));
    assert_true(box_wait_status(&box, 2, STATUS_BAD_COMMUNICATION));
    assert_int_equal(1, sim_s7_server_clients(server)); // Equal slots share one.

    /* Another slot is another greeting: the session of the old one does not go on. */
    devices[0].options = "slot=3";
    struct catalogue *changed = make_catalogue(devices, tags);
    device_set_apply(set, changed);
    assert_true(box_wait_status(&box, 1, STATUS_BAD_COMMUNICATION));
    device_set_free(set);
    catalogue_unref(changed);
    catalogue_unref(catalogue);
    sim_s7_server_stop(server);
    box_fini(&box);
    mem_free(plant);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_every_form_are_understood),
        cmocka_unit_test(a_wrong_address_is_refused_with_words_that_name_the_fault),
        cmocka_unit_test(every_capture_gives_what_it_says),
        cmocka_unit_test(a_storm_on_the_line_brings_no_wrong_value),
        cmocka_unit_test(scattered_values_share_jobs_of_twenty_items),
        cmocka_unit_test(neighbours_are_one_item_that_fills_the_answer_to_the_last_byte),
        cmocka_unit_test(long_texts_come_in_parts_where_the_answer_is_short),
        cmocka_unit_test(a_refused_connection_says_what_to_look_at),
        cmocka_unit_test(the_right_slot_connects_and_a_denied_access_is_told),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_controller_on_the_network_is_read_through_all_its_moods),
        cmocka_unit_test(slots_at_one_address_have_sessions_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

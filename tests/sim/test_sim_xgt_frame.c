/* The simulated XGT controller refuses what a controller refuses, with the manual's codes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"

enum { WORDS = 100 };

struct memory {
    uint16_t words[WORDS];
};

static int memory_read(
    void *context, char area, uint32_t word, uint32_t count, uint16_t *ret_words) {
    const struct memory *memory = context;
    if (area != 'D') {
        return SIM_XGT_NO_AREA;
    }
    if (word + count > WORDS) {
        return SIM_XGT_OUTSIDE;
    }
    memcpy(ret_words, memory->words + word, sizeof memory->words[0] * count);
    return 0;
}

static int memory_write(
    void *context, char area, uint32_t word, uint32_t count, const uint16_t *words) {
    struct memory *memory = context;
    (void)area;
    memcpy(memory->words + word, words, sizeof words[0] * count);
    return 0;
}

/* A request: header and body given as bytes; the header's length and sum are made here. */
static size_t frame(uint8_t *to, const char *company, const uint8_t *body, size_t size) {
    memset(to, 0, 20);
    memcpy(to, company, 10);
    to[12] = 0xA0;
    to[13] = 0x33;
    to[14] = 0x34;
    to[15] = 0x12;
    to[16] = (uint8_t)size;
    for (int i = 0; i < 19; i++) {
        to[19] = (uint8_t)(to[19] + to[i]);
    }
    memcpy(to + 20, body, size);
    return 20 + size;
}

static const char xgt[] = "LSIS-XGT\0\0";

struct fixture {
    struct memory memory;
    struct sim_xgt_source source;
    uint8_t out[4096];
};

static struct fixture fixture(void) {
    struct fixture f = {.memory = {.words = {[5] = 0x1234}}};
    f.source = (struct sim_xgt_source){
        .read = memory_read, .write = memory_write, .info = 0x0101, .cpu = 0xA0, .station = 1};
    return f;
}

/* The code of the refusal, or 0. */
static int code_of(struct fixture *f, const uint8_t *in, size_t size) {
    size_t used = 0;
    f->source.context = &f->memory;
    int got = sim_xgt_answer(&f->source, in, size, &used, f->out);
    assert_true(got >= 30);
    assert_int_equal(size, used);
    assert_int_equal(0x11, f->out[13]);
    assert_int_equal(0x34, f->out[14]); // The invoke id comes back.
    return f->out[26] == 0xFF ? f->out[28] : 0;
}

#define READ_D5 0x54, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'B', '1', '0', 2, 0

static void a_good_read_brings_the_words_and_the_state(void **state) {
    (void)state;
    static const uint8_t body[] = {READ_D5};
    struct fixture f = fixture();
    uint8_t in[128];
    assert_int_equal(0, code_of(&f, in, frame(in, xgt, body, sizeof body)));
    assert_int_equal(1, f.out[10]); // PLC info: running.
    assert_int_equal(1, f.out[11]);
    assert_int_equal(0x34, f.out[32]);
    assert_int_equal(0x12, f.out[33]);
}

static void each_refusal_has_its_code(void **state) {
    (void)state;
    static const struct {
        int code;
        size_t size;
        uint8_t body[32];
    } cases[] = {
        {1, 8, {0x54, 0, 2, 0, 0, 0, 17, 0}},
        {1, 8, {0x54, 0, 2, 0, 0, 0, 0, 0}},
        {2, 17, {0x54, 0, 9, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'B', '1', '0', 2, 0}},
        {2, 17, {0x54, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'W', '1', '0', 2, 0}},
        {3, 17, {0x54, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'Y', 'B', '1', '0', 2, 0}},
        {4, 18, {0x54, 0, 0x14, 0, 0, 0, 1, 0, 6, 0, '%', 'D', 'B', '1', '9', '9', 2, 0}},
        {5, 17, {0x54, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'B', '1', '0', 0x79, 5}},
        {0x76, 16, {0x54, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'B', '1', '0', 2}},
        {0x76, 18, {READ_D5, 0}},
        {0x78, 17, {0x56, 0, 0x14, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'B', '1', '0', 2, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = fixture();
        uint8_t in[128];
        assert_int_equal(
            cases[i].code, code_of(&f, in, frame(in, xgt, cases[i].body, cases[i].size)));
    }
    static const uint8_t body[] = {READ_D5};
    struct fixture f = fixture();
    uint8_t in[128];
    assert_int_equal(0x75, code_of(&f, in, frame(in, "LGIS-GLOFA", body, sizeof body)));
    size_t size = frame(in, xgt, body, sizeof body);
    in[19] ^= 1;
    assert_int_equal(0x77, code_of(&f, in, size));
}

static void a_written_bit_changes_its_word_alone(void **state) {
    (void)state;
    static const uint8_t body[] = {
        0x58, 0, 0, 0, 0, 0, 1, 0, 5, 0, '%', 'D', 'X', '5', 'A', 1, 0, 1};
    struct fixture f = fixture();
    f.source.hexadecimal = true;
    uint8_t in[128];
    assert_int_equal(0, code_of(&f, in, frame(in, xgt, body, sizeof body)));
    assert_int_equal(0x1634, f.memory.words[5]);
    assert_int_equal(0, f.memory.words[4] | f.memory.words[6]);
}

static void a_part_of_a_request_is_waited_for(void **state) {
    (void)state;
    static const uint8_t body[] = {READ_D5};
    struct fixture f = fixture();
    uint8_t in[128];
    size_t size = frame(in, xgt, body, sizeof body);
    for (size_t part = 0; part < size; part++) {
        size_t used = 0;
        assert_int_equal(0, sim_xgt_answer(&f.source, in, part, &used, f.out));
        assert_int_equal(0, used);
    }
}

/* The text answered to an ASCII request whose sum is made here. */
static const char *ascii(struct fixture *f, const char *text) {
    char in[64];
    unsigned sum = 0;
    size_t size = strlen(text);
    memcpy(in, text, size);
    for (size_t i = 0; i < size; i++) {
        sum += (uint8_t)in[i];
    }
    in[size] = "0123456789ABCDEF"[sum >> 4 & 15];
    in[size + 1] = "0123456789ABCDEF"[sum & 15];
    size_t used = 0;
    f->source.context = &f->memory;
    int got = sim_xgt_answer_cnet(&f->source, (const uint8_t *)in, size + 2, &used, f->out);
    assert_int_equal(size + 2, used);
    f->out[got > 2 ? got - 2 : 0] = 0; // Without the sum.
    return (const char *)f->out;
}

static void the_serial_side_speaks_in_digits(void **state) {
    (void)state;
    struct fixture f = fixture();
    assert_string_equal("\x06"
                        "01rSB01021234\x03",
        ascii(&f, "\x05"
                  "01rSB04%DW501\x04"));
    assert_string_equal("\x06"
                        "01rSS01021234\x03",
        ascii(&f, "\x05"
                  "01rSS0104%DW5\x04"));
    assert_string_equal("\x06"
                        "01wSS\x03",
        ascii(&f, "\x05"
                  "01wSS0104%DW6ABCD\x04"));
    assert_int_equal(0xABCD, f.memory.words[6]);
    assert_string_equal("\x15"
                        "01rSS1132\x03",
        ascii(&f, "\x05"
                  "01rSS0104%YW5\x04"));
    assert_string_equal("\x15"
                        "01rSS7132\x03",
        ascii(&f, "\x05"
                  "01rSS0106%DW500\x04"));
    assert_string_equal("\x15"
                        "01rSB1232\x03",
        ascii(&f, "\x05"
                  "01rSB04%DW03D\x04"));
    assert_string_equal("\x15"
                        "01rSS0003\x03",
        ascii(&f, "\x05"
                  "01rSS11\x04"));
    assert_string_equal("", ascii(&f, "\x05"
                                      "02rSS0104%DW5\x04")); // Another station.
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_read_brings_the_words_and_the_state),
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(a_written_bit_changes_its_word_alone),
        cmocka_unit_test(a_part_of_a_request_is_waited_for),
        cmocka_unit_test(the_serial_side_speaks_in_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

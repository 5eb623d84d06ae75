/*
 * Table files from bytes to rows: every encoding, separator and packing gives the same rows, in
 * whatever pieces the bytes come; what is no table is refused in words.
 */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "table/encoding.h"
#include "table/pack.h"
#include "table/spool.h"
#include "tests/table/support_table.h"

static void check(struct str bytes, size_t piece, const char *want, struct table_facts *facts) {
    AUTO_BUF struct buf seen;
    buf_init(&seen, 16 << 20);
    struct memory_file file = {.bytes = bytes, .piece = piece};
    struct table_options options = memory_options(&file);
    (void)see_table(&options, &seen, facts);
    if (!str_eq(buf_str(&seen), str_of(want))) {
        fail_msg("piece %zu:\n%s\ninstead of\n%s", piece, buf_z(&seen), want);
    }
}

static const char TABLE[] = "tag,시각,value\n온도.1,2026-01-31,\"1,5\"\n\"말 \"\"이\"\"\",x,\n";
static const char WANT[] =
    "1:[tag][시각][value]\n2:[온도.1][2026-01-31][1,5]\n3:[말 \"이\"][x][]\n";

/* */
static void every_encoding_gives_the_same_rows(void **state) {
    (void)state;
    static const enum table_encoding ENCODINGS[] = {
        TABLE_UTF8, TABLE_UTF8_MARK, TABLE_CP949, TABLE_UTF16LE, TABLE_UTF16BE};
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof ENCODINGS[0]; i++) {
        AUTO_BUF struct buf bytes;
        buf_init(&bytes, 4096);
        struct encoder *encoder = encoder_new(ENCODINGS[i]);
        assert_int_equal(encoder_put(encoder, str_of(TABLE), &bytes, NULL), 0);
        encoder_free(encoder);
        for (size_t piece = 1; piece < 12; piece++) {
            struct table_facts facts;
            check(buf_str(&bytes), piece, WANT, &facts);
            assert_int_equal(facts.encoding, ENCODINGS[i]);
            assert_true(facts.confidence_percent >= 80);
            assert_int_equal(facts.separator, ',');
            assert_int_equal(facts.format, TABLE_CSV);
        }
    }
}

static void utf16_without_a_mark_is_recognised_by_its_zeros(void **state) {
    (void)state;
    struct table_facts facts;
    check(STR("a\0;\0b\0\n\0001\0;\0\x00\xAC\n\0"), 3, "1:[a][b]\n2:[1][가]\n", &facts);
    assert_int_equal(facts.encoding, TABLE_UTF16LE);
    check(STR("\0a\0\t\0b\0\n\0001\0\t\xAC\x00\0\n"), 3, "1:[a][b]\n2:[1][가]\n", &facts);
    assert_int_equal(facts.encoding, TABLE_UTF16BE);
    assert_int_equal(facts.separator, '\t');
}

static void korean_that_comes_late_is_still_recognised(void **state) {
    (void)state;
    AUTO_BUF struct buf bytes;
    AUTO_BUF struct buf want;
    buf_init(&bytes, 8 << 20);
    buf_init(&want, 8 << 20);
    for (int i = 1; i <= 60000; i++) {
        buf_printf(&bytes, "row%d,value\n", i);
        buf_printf(&want, "%d:[row%d][value]\n", i, i);
    }
    buf_put_str(&bytes, STR("\xBF\xC2\xB5\xB5,\xB0\xA1\n"));
    buf_put_str(&want, STR("60001:[온도][가]\n"));
    struct table_facts facts;
    check(buf_str(&bytes), 0, buf_z(&want), &facts);
    assert_int_equal(facts.encoding, TABLE_CP949);
}

static void ascii_needs_no_encoding(void **state) {
    (void)state;
    struct table_facts facts;
    check(STR("a;b\r\n1;2"), 1, "1:[a][b]\n2:[1][2]\n", &facts);
    assert_int_equal(facts.encoding, TABLE_ENCODING_AUTO);
    assert_int_equal(facts.confidence_percent, 100);
    assert_int_equal(facts.separator, ';');
    check(STR(""), 0, "", NULL);
    check(STR("\n\n"), 0, "", NULL);
}

static void a_given_encoding_and_separator_override(void **state) {
    (void)state;
    struct memory_file file = {.bytes = STR("a;b,c\n\xB0\xA1;x,y\n")};
    struct table_options options = memory_options(&file);
    options.encoding = TABLE_CP949;
    options.separator = ',';
    AUTO_BUF struct buf seen;
    buf_init(&seen, 4096);
    (void)see_table(&options, &seen, NULL);
    assert_string_equal(buf_z(&seen), "1:[a;b][c]\n2:[가;x][y]\n");
}

static void broken_bytes_cost_their_row_alone(void **state) {
    (void)state;
    struct table_facts facts;
    check(STR("이름,값\n온도,1\n\xEC\x98,2\n습도,3\n"), 5,
        "1:[이름][값]\n2:[온도][1]\n3!INVALID\n4:[습도][3]\n", &facts);
    assert_int_equal(facts.encoding, TABLE_UTF8);
    assert_true(facts.confidence_percent < 80);
    /* A quote error, too. */
    check(STR("a,b\n1,\"x\"y\n2,3\n"), 1, "1:[a][b]\n2!INVALID\n3:[2][3]\n", NULL);
}

static void what_is_no_table_is_refused(void **state) {
    (void)state;
    check(STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and more"), 0, "!UNSUPPORTED\n", NULL);
    check(STR("PAR1\x15\x04\x15"), 0, "!UNSUPPORTED\n", NULL);
    check(STR("PAR1,b\n1,2\n"), 0, "1:[PAR1][b]\n2:[1][2]\n", NULL);
    check(STR("PK\x03\x04 but no zip"), 0, "!CORRUPT\n", NULL);
    check(STR("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0"), 0, "!INVALID\n", NULL);
    check(STR("a,b\n1,\0\n"), 0, "!INVALID\n", NULL);
    check(STR("\xFF\xC0\xFF\xC1\xF5 \xFF \xFF\xFA"), 0, "!INVALID\n", NULL);
}

static void packed_files_read_as_plain_ones(void **state) {
    (void)state;
    static const enum table_packing PACKINGS[] = {TABLE_GZIP, TABLE_XZ, TABLE_ZSTD};
    for (size_t i = 0; i < 3; i++) {
        AUTO_BUF struct buf bytes;
        buf_init(&bytes, 1 << 20);
        struct pack *pack = pack_new(PACKINGS[i], write_memory, &bytes);
        assert_int_equal(pack_put(pack, TABLE, strlen(TABLE), NULL), 0);
        assert_int_equal(pack_finish(pack, NULL), 0);
        pack_free(pack);
        struct table_facts facts;
        for (size_t piece = 1; piece < 6; piece++) {
            check(buf_str(&bytes), piece, WANT, &facts);
            assert_int_equal(facts.packing, PACKINGS[i]);
        }
        /* Cut short: whatever came out, the end is not taken for the end. */
        AUTO_BUF struct buf seen;
        buf_init(&seen, 4096);
        struct memory_file file = {.bytes = str_slice(buf_str(&bytes), 0, bytes.size - 3)};
        struct table_options options = memory_options(&file);
        assert_int_equal(see_table(&options, &seen, NULL), -ERR_CORRUPT);
    }
}

static void a_bomb_is_refused(void **state) {
    (void)state;
    static const enum table_packing PACKINGS[] = {TABLE_GZIP, TABLE_XZ, TABLE_ZSTD};
    static char line[1 << 20];
    memset(line, 'a', sizeof line);
    line[sizeof line - 2] = ',';
    for (size_t i = 1022; i < sizeof line; i += 1024) {
        line[i] = '\n';
    }
    for (size_t i = 0; i < 3; i++) {
        AUTO_BUF struct buf bytes;
        buf_init(&bytes, 1 << 20);
        struct pack *pack = pack_new(PACKINGS[i], write_memory, &bytes);
        for (int k = 0; k < 80; k++) {
            assert_int_equal(pack_put(pack, line, sizeof line, NULL), 0);
        }
        assert_int_equal(pack_finish(pack, NULL), 0);
        pack_free(pack);
        struct memory_file file = {.bytes = buf_str(&bytes)};
        struct source *source = source_new(&(struct table_options){.context = NULL, .fd = -1});
        source_free(source);
        struct table_options options = memory_options(&file);
        AUTO_BUF struct buf seen;
        buf_init(&seen, 256 << 20);
        int status = see_table(&options, &seen, NULL);
        /* gzip's own best on this is below the limit; the others are far beyond it. */
        assert_int_equal(status, PACKINGS[i] == TABLE_GZIP ? 0 : -ERR_LIMIT);
    }
}

static void a_spooled_file_can_be_read_twice(void **state) {
    (void)state;
    struct memory_file file = {.bytes = str_of(TABLE), .piece = 7};
    struct table_options options = memory_options(&file);
    int fd = -1;
    assert_int_equal(table_spool(&options, 10, &fd, NULL), -ERR_LIMIT);
    file.at = 0;
    assert_int_equal(table_spool(&options, 1 << 20, &fd, NULL), 0);
    for (int i = 0; i < 2; i++) {
        AUTO_BUF struct buf seen;
        buf_init(&seen, 4096);
        struct table_options again = {.fd = fd, .sheet = STR_NONE};
        assert_int_equal(see_table(&again, &seen, NULL), 0);
        assert_string_equal(buf_z(&seen), WANT);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    }
    assert_int_equal(close(fd), 0);
}

static void a_spool_leaves_room_for_the_plant(void **state) {
    (void)state;
    const uint64_t mb = 1ULL << 20;
    assert_true(spool_fits(1000 * mb, 100 * mb, 36 * mb)); // 64 MB stay.
    assert_false(spool_fits(1000 * mb, 100 * mb, 37 * mb));
    assert_false(spool_fits(1000 * mb, 10 * mb, 0));
    assert_false(spool_fits(20000 * mb, 1100 * mb, 101 * mb)); // A twentieth.
    assert_true(spool_fits(20000 * mb, 1100 * mb, 100 * mb));
    assert_true(spool_fits(4000000 * mb, 2049 * mb, mb)); // 2 GB at most.
    assert_false(spool_fits(4000000 * mb, 2049 * mb, 2 * mb));
}

static void a_short_text_of_a_machine_is_cp949_or_refused(void **state) {
    (void)state;
    char text[16];
    size_t size = 0;
    /* "A", then the Hangul syllable U+C74C as C0 BD. */
    assert_true(table_cp949_to_utf8(STR("A\xC0\xBD"), text, sizeof text, &size));
    assert_int_equal(4, size);
    assert_memory_equal("A\xEC\x9D\x8C", text, 4);
    assert_true(table_cp949_to_utf8(STR(""), text, sizeof text, &size));
    assert_int_equal(0, size);
    assert_false(table_cp949_to_utf8(STR("A\xC0"), text, sizeof text, &size)); // Cut.
    assert_false(table_cp949_to_utf8(STR("A\xC0\xBD"), text, 3, &size));       // No room.
}

static void progress_moves_to_the_whole(void **state) {
    (void)state;
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, 8 << 20);
    for (int i = 1; i <= 200000; i++) {
        buf_printf(&bytes, "row%d,value\n", i);
    }
    struct memory_file file = {.bytes = buf_str(&bytes)};
    struct table_options options = memory_options(&file);
    struct table *table = NULL;
    assert_int_equal(table_open(&options, &table, NULL), 0);
    uint64_t before = 0;
    uint64_t moves = 0;
    const struct str *fields = NULL;
    size_t count = 0;
    while (table_next(table, &fields, &count, NULL) == TABLE_ROW) {
        uint64_t done = 0;
        uint64_t total = 0;
        table_progress(table, &done, &total);
        assert_true(done >= before && done <= total);
        assert_int_equal(total, bytes.size);
        moves += done > before;
        before = done;
    }
    assert_int_equal(before, bytes.size);
    assert_true(moves > 5);
    table_close(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_gives_the_same_rows),
        cmocka_unit_test(utf16_without_a_mark_is_recognised_by_its_zeros),
        cmocka_unit_test(korean_that_comes_late_is_still_recognised),
        cmocka_unit_test(ascii_needs_no_encoding),
        cmocka_unit_test(a_given_encoding_and_separator_override),
        cmocka_unit_test(broken_bytes_cost_their_row_alone),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(packed_files_read_as_plain_ones),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(a_spooled_file_can_be_read_twice),
        cmocka_unit_test(a_spool_leaves_room_for_the_plant),
        cmocka_unit_test(a_short_text_of_a_machine_is_cp949_or_refused),
        cmocka_unit_test(progress_moves_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

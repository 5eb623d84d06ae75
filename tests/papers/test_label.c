/*
 * Labels drawn and printed: symbols by their standards' fixed parts, what goes to a printer, and
 * that a label is neither lost nor sent twice.
 */
#include "papers/label.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/thread.h"
#include "papers/delivery.h"
#include "papers/printing.h"
#include "papers/symbol.h"
#include "support_papers.h"

static bool holds(const struct buf *bytes, const char *text) {
    return bytes->size > 0 && memmem(bytes->data, bytes->size, text, strlen(text)) != NULL;
}

static void keep(const struct buf *bytes, const char *name) {
    const char *folder = getenv("MARU_KEEP_PAPERS"); // To look at them.
    char path[512];
    if (folder != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes->data, 1, bytes->size, file), bytes->size);
        (void)fclose(file);
    }
}

/* ---- Symbols ---- */

/* Widths of bars and spaces of a Code 128 symbol's characters (ISO/IEC 15417, table 1), of those
 * that these tests meet. */
static void widths_of(const struct symbol *symbol, uint32_t at, uint32_t count, char *to) {
    uint32_t column = at;
    for (uint32_t i = 0; i < count; i++) {
        bool black = i % 2 == 0;
        uint32_t width = 0;
        while (column < symbol->columns && symbol_is_black(symbol, column, 0) == black) {
            column++;
            width++;
        }
        to[i] = (char)('0' + width);
    }
    to[count] = '\0';
}

static void a_bar_code_has_its_start_check_and_stop(void **state) {
    (void)state;
    struct symbol symbol;
    struct err err = ERR_INIT;
    char widths[8];
    assert_int_equal(symbol_make(SYMBOL_CODE128, STR("A"), &symbol, &err), 0);
    assert_int_equal(symbol.rows, 1);
    assert_int_equal(symbol.columns, 20 + 4 * 11 + 2); // Quiet, start, A, check, stop.
    widths_of(&symbol, 10, 6, widths);
    assert_string_equal(widths, "211214"); // Start B, 104.
    widths_of(&symbol, 21, 6, widths);
    assert_string_equal(widths, "111323"); // A, 33.
    widths_of(&symbol, 32, 6, widths);
    assert_string_equal(widths, "131123"); // (104 + 33) mod 103 = 34.
    widths_of(&symbol, 43, 7, widths);
    assert_string_equal(widths, "2331112"); // Stop.
    assert_int_equal(
        symbol_make(SYMBOL_GS1_128, STR("(01)08801234567893(10)A1"), &symbol, &err), 0);
    widths_of(&symbol, 10, 6, widths);
    assert_string_equal(widths, "211232"); // Start C, 105.
    widths_of(&symbol, 21, 6, widths);
    assert_string_equal(widths, "411131"); // FNC1, 102.
}

static void square_codes_have_their_patterns(void **state) {
    (void)state;
    struct symbol symbol;
    struct err err = ERR_INIT;
    assert_int_equal(symbol_make(SYMBOL_QR, STR("231114-001"), &symbol, &err), 0);
    assert_int_equal(symbol.columns, 21 + 8); // Version 1.
    for (uint32_t i = 0; i < 7; i++) {        // A finder's upper edge, and none at lower right.
        assert_true(symbol_is_black(&symbol, 4 + i, 4));
        assert_true(symbol_is_black(&symbol, 4 + 14 + i, 4));
        assert_true(symbol_is_black(&symbol, 4 + i, 4 + 14));
    }
    assert_false(symbol_is_black(&symbol, 5, 5));
    assert_int_equal(symbol_make(SYMBOL_DATAMATRIX, STR("231114-001"), &symbol, &err), 0);
    assert_int_equal(symbol.columns, symbol.rows);
    for (uint32_t i = 1; i + 1 < symbol.columns; i++) { // The solid L, and the dotted edges.
        assert_true(symbol_is_black(&symbol, 1, i));
        assert_true(symbol_is_black(&symbol, i, symbol.rows - 2));
        assert_int_equal(symbol_is_black(&symbol, i, 1), i % 2);
    }
    assert_int_equal(symbol_make(SYMBOL_QR, STR("프레스"), &symbol, &err), 0);
    assert_int_equal(symbol_make(SYMBOL_GS1_QR, STR("(01)08801234567893"), &symbol, &err), 0);
    assert_int_equal(
        symbol_make(SYMBOL_GS1_DATAMATRIX, STR("(01)08801234567890"), &symbol, &err), -ERR_INVALID);
    assert_int_equal(symbol_make(SYMBOL_CODE128, STR("프레스"), &symbol, &err), -ERR_INVALID);
    assert_int_equal(symbol_make(SYMBOL_QR, STR_NONE, &symbol, &err), -ERR_INVALID);
}

/* ---- Labels ---- */

static int run_sql(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx, context, &stmt, err);
    return rc < 0 ? rc : ledger_step(stmt, err);
}

static void sql(struct rig *rig, const char *text) {
    struct err err = ERR_INIT;
    char copy[2048];
    (void)str_copy_z(str_of(text), copy, sizeof copy);
    if (ledger_write(plant_ledger(rig->plant), run_sql, copy, &err) < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&err, LANG_EN, &words);
        fail_msg("%s: %s", text, buf_z(&words));
    }
}

struct state {
    char text[64];
    char why[512];
    int64_t tries;
};

static int read_state(struct ledger_tx *tx, void *context, struct err *err) {
    struct state *state = context;
    struct ledger_stmt *stmt = NULL;
    int rc = ledger_prepare(tx,
        "SELECT group_concat(state, ' '), group_concat(why_en, ' '), sum(tries) FROM (SELECT * FROM"
        " print_jobs ORDER BY number)",
        &stmt, err);
    rc = rc < 0 ? rc : ledger_step(stmt, err);
    if (rc > 0) {
        (void)str_copy_z(ledger_column_str(stmt, 0), state->text, sizeof state->text);
        (void)str_copy_z(ledger_column_str(stmt, 1), state->why, sizeof state->why);
        state->tries = ledger_column_i64(stmt, 2);
    }
    return rc < 0 ? rc : 0;
}

static struct state states(struct rig *rig) {
    struct state state = {.tries = 0};
    assert_int_equal(ledger_read(plant_ledger(rig->plant), read_state, &state, NULL), 0);
    return state;
}

static void fill(struct rig *rig) {
    rig_open(rig);
    sql(rig, "INSERT INTO places (number, changed_ns, code, name, kind, active, note) VALUES"
             " (1, 0, 'WH-01', '자재 창고 ^1~', 'warehouse', 1, '')");
    sql(rig, "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin,"
             " lots, active, note) VALUES (1, 0, 'A-100', '하우징, 검정', 'product', 'EA', '', '',"
             " '8801234567893', 1, 1, '')");
    sql(rig, "INSERT INTO lots (number, code, item, state, partner_lot, made_ns, expires, hold,"
             " note, created_ns, actor) VALUES (1, '261122-001', 1, 'open', '', 1, '2027-01-31',"
             " '', '', 1, 'x')");
}

struct reading {
    struct label_about about;
    struct str design;
    struct arena *arena;
    struct label label;
};

static int read_label(struct ledger_tx *tx, void *context, struct err *err) {
    struct reading *reading = context;
    return label_read(tx, &reading->about, reading->design, reading->arena, &reading->label, err);
}

/* Whole numbers of dots a module, and as many hexadecimal digits as the head of the field says. */
static void check_fields(struct buf *zpl) {
    struct str rest = buf_str(zpl);
    uint32_t fields = 0;
    for (;;) {
        const char *at = memmem(rest.data, rest.size, "^GFA,", 5);
        if (at == NULL) {
            break;
        }
        rest = str_slice(rest, (size_t)(at - rest.data) + 5, rest.size);
        int64_t bytes = 0;
        assert_true(str_to_i64(str_cut(&rest, ','), &bytes));
        (void)str_cut(&rest, ',');
        int64_t row = 0;
        assert_true(str_to_i64(str_cut(&rest, ','), &row));
        assert_int_equal(bytes % row, 0);
        assert_int_equal(str_find(rest, '^'), (size_t)bytes * 2);
        fields++;
    }
    assert_true(fields >= 2);
}

static void labels_are_drawn_in_three_ways(void **state) {
    (void)state;
    struct rig rig;
    fill(&rig);
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    static const char *const DESIGNS[] = {"LOT", "LOT-GS1"};
    for (size_t i = 0; i < 2; i++) {
        struct reading reading = {.arena = &arena,
            .design = str_of(DESIGNS[i]),
            .about = {.kind = LABEL_LOT, .code = STR("261122-001"), .quantity = STR("500")}};
        assert_int_equal(ledger_read(plant_ledger(rig.plant), read_label, &reading, &err), 0);
        AUTO_BUF struct buf svg;
        AUTO_BUF struct buf pdf;
        AUTO_BUF struct buf zpl;
        buf_init(&svg, 1 << 24);
        buf_init(&pdf, 1 << 24);
        buf_init(&zpl, 1 << 24);
        assert_int_equal(label_svg(&reading.label, &svg, &err), 0);
        assert_true(holds(&svg, "<svg"));
        const struct label_sheet sheet = {.a4 = true, .copies = 11, .skip = 3};
        assert_int_equal(label_pdf(&reading.label, &sheet, &pdf, &err), 0);
        assert_true(holds(&pdf, "%PDF-"));
        assert_true(holds(&pdf, i == 0 ? "/Count 2" : "/Count 4")); // Ten or four on a sheet.
        assert_int_equal(label_zpl(&reading.label, 203, 3, &zpl, &err), 0);
        assert_true(holds(&zpl, i == 0 ? "^XA\n^CI28^LH0,0^PW639^LL400\n" : "^PW799^LL480\n"));
        keep(&pdf, i == 0 ? "label-lot.pdf" : "label-gs1.pdf");
        keep(&zpl, i == 0 ? "label-lot.zpl" : "label-gs1.zpl");
        assert_true(holds(&zpl, "^FD261122-001^FS"));
        assert_true(holds(&zpl, "^PQ3,0,0,N\n^XZ\n"));
        assert_false(holds(&zpl, "하우징")); // Hangul is dots.
        check_fields(&zpl);
    }
    struct reading place = {.arena = &arena,
        .design = STR_NONE,
        .about = {.kind = LABEL_PLACE, .code = STR("WH-01"), .quantity = STR_NONE}};
    assert_int_equal(ledger_read(plant_ledger(rig.plant), read_label, &place, &err), 0);
    place.label.facts.all[2].value = STR("Store ^1~_\\"); // The name.
    AUTO_BUF struct buf zpl;
    buf_init(&zpl, 1 << 24);
    assert_int_equal(label_zpl(&place.label, 300, 1, &zpl, &err), 0);
    assert_true(holds(&zpl, "^FDStore _5E1_7E_5F_5C^FS")); // No commands of strangers.
    rig_close(&rig);
}

static void the_codes_of_a_terminal_fit_on_a_sheet(void **state) {
    (void)state;
    for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
        AUTO_ARENA struct arena arena;
        arena_init(&arena, 0);
        AUTO_BUF struct buf pdf;
        buf_init(&pdf, 1 << 24);
        struct err err = ERR_INIT;
        assert_int_equal(command_codes_pdf((enum lang)lang, &arena, &pdf, &err), 0);
        assert_true(str_starts(buf_str(&pdf), STR("%PDF-")));
        keep(&pdf, lang == LANG_EN ? "command-codes-en.pdf" : "command-codes-ko.pdf");
    }
}

static void a_delivery_note_has_two_halves_and_says_when_it_is_a_copy(void **state) {
    (void)state;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct delivery_line lines[] = {{.item = STR("A-100"),
                                        .name = STR("하우징, 검정"),
                                        .spec = STR("ABS 2.0t"),
                                        .unit = STR("EA"),
                                        .lot = STR("261122-001"),
                                        .sales = STR("SO-77"),
                                        .quantity_u = 1200000000,
                                        .priced = true,
                                        .price_u = 1250500000,
                                        .amount_u = 1500600000000},
        {.item = STR("A-200"),
            .name = STR("커버"),
            .unit = STR("EA"),
            .lot = STR("261122-002"),
            .quantity_u = 500000}};
    struct delivery_paper paper = {.own_name = STR("한빛정밀"),
        .own_business = STR("123-45-67891"),
        .delivery = {.code = STR("DN-261122-1"),
            .kind = STR("customer"),
            .state = STR("made"),
            .partner_name = STR("대성전자"),
            .business_number = STR("220-81-62517"),
            .phone = STR("031-555-0100"),
            .address = STR("경기도 안산시 단원구 산단로 1"),
            .day = STR("2026-11-22"),
            .note = STR("2번 문 하차"),
            .lines = lines,
            .line_count = 2,
            .amount_u = 1500600000000}};
    uint64_t sizes[2];
    for (int i = 0; i < 2; i++) {
        AUTO_BUF struct buf pdf;
        buf_init(&pdf, 1 << 24);
        paper.times = i + 1;
        paper.lang = i == 0 ? LANG_KO : LANG_EN;
        assert_int_equal(delivery_pdf(&paper, &arena, &pdf, &err), 0);
        assert_true(holds(&pdf, "%PDF-") && holds(&pdf, "/Count 2"));
        keep(&pdf, i == 0 ? "delivery-ko.pdf" : "delivery-en.pdf");
        sizes[i] = pdf.size;
    }
    assert_true(sizes[0] > 5000 && sizes[1] > 5000);
}

static void a_code_that_nobody_could_read_is_refused(void **state) {
    (void)state;
    struct rig rig;
    fill(&rig);
    sql(&rig, "INSERT INTO labels (changed_ns, code, kind, name, width, height, layout, active,"
              " note) VALUES (0, 'TINY', 'lot', 'Tiny', 30, 20, 'code128 1 1 10 5 {lot}', 1, '')");
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct err err = ERR_INIT;
    struct reading reading = {.arena = &arena,
        .design = STR("TINY"),
        .about = {.kind = LABEL_LOT, .code = STR("261122-001"), .quantity = STR_NONE}};
    assert_int_equal(ledger_read(plant_ledger(rig.plant), read_label, &reading, &err), 0);
    AUTO_BUF struct buf zpl;
    buf_init(&zpl, 1 << 20);
    assert_int_equal(label_zpl(&reading.label, 203, 1, &zpl, &err), -ERR_LIMIT);
    rig_close(&rig);
}

/* ---- A printer ---- */

enum answer { ANSWERS, ANSWERS_NO_PAPER, CLOSES, BREAKS };
struct printer {
    struct thread thread;
    int fd;
    uint16_t port;
    enum answer answer;
    struct buf got;
};

static void be_printer(void *context) {
    static const char IDLE[] = "\x02"
                               "030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02"
                               "001,0,0,0,1,2,6,0,00000000,1,000\x03\r\n\x02"
                               "1234,0\x03\r\n";
    static const char NO_PAPER[] = "\x02"
                                   "030,1,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02"
                                   "001,0,0,0,1,2,6,0,00000003,1,000\x03\r\n\x02"
                                   "1234,0\x03\r\n";
    struct printer *printer = context;
    int fd = accept(printer->fd, NULL, NULL);
    while (fd >= 0 && !holds(&printer->got, "~HS")) {
        uint8_t *room = buf_reserve(&printer->got, 4096);
        ssize_t size = recv(fd, room, 4096, 0);
        if (size <= 0) {
            break;
        }
        buf_commit(&printer->got, (size_t)size);
    }
    const char *text = printer->answer == ANSWERS ? IDLE : NO_PAPER;
    if (printer->answer == ANSWERS || printer->answer == ANSWERS_NO_PAPER) {
        (void)send(fd, text, 20, MSG_NOSIGNAL); // In two parts.
        (void)send(fd, text + 20, strlen(text) - 20, MSG_NOSIGNAL);
    } else if (printer->answer == BREAKS) {
        const struct linger hard = {.l_onoff = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    (void)close(fd);
}

static void printer_open(struct printer *printer) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;
    printer->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(printer->fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(printer->fd, 4), 0);
    assert_int_equal(getsockname(printer->fd, (struct sockaddr *)&to, &size), 0);
    printer->port = ntohs(to.sin_port);
}

static void add_printer(struct rig *rig, uint16_t port) {
    char text[512];
    (void)snprintf(text, sizeof text,
        "INSERT INTO printers (number, changed_ns, code, name, address, dpi, release, active, note)"
        " VALUES (1, 0, 'P1', 'P1', '127.0.0.1:%u', 203, 'none', 1, '')",
        port);
    sql(rig, text);
}

static void add_job(struct rig *rig, const char *code) {
    char text[512];
    (void)snprintf(text, sizeof text,
        "INSERT INTO print_jobs (printer, kind, code, design, quantity, copies, lang, state, tries,"
        " next_ns, created_ns, actor, why_ko, why_en) VALUES (1, 'lot', '%s', '', '', 1, 'ko',"
        " 'waiting', 0, 0, 9000000000000000000, 'x', '', '')",
        code);
    sql(rig, text);
}

static struct state print_one(enum answer answer, struct buf *got) {
    struct rig rig;
    struct err err = ERR_INIT;
    struct printer printer = {.answer = answer};
    buf_init(&printer.got, 1 << 20);
    fill(&rig);
    printer_open(&printer);
    add_printer(&rig, printer.port);
    add_job(&rig, "261122-001");
    thread_start(&printer.thread, "label-printer", be_printer, &printer);
    assert_int_equal(printing_step(rig.plant, NULL, &err), 1);
    thread_join(&printer.thread);
    (void)close(printer.fd);
    assert_int_equal(printing_step(rig.plant, NULL, &err), 0); // Nothing is due any more.
    struct state state = states(&rig);
    *got = printer.got;
    rig_close(&rig);
    return state;
}

static void a_label_is_printed_when_the_printer_says_so(void **state) {
    (void)state;
    AUTO_BUF struct buf got;
    struct state told = print_one(ANSWERS, &got);
    assert_string_equal(told.text, "printed");
    assert_string_equal(told.why, "");
    assert_true(holds(&got, "^XA") && holds(&got, "^XZ\n~HS\n"));
    AUTO_BUF struct buf other;
    told = print_one(ANSWERS_NO_PAPER, &other);
    assert_string_equal(told.text, "printed");
    assert_non_null(strstr(told.why, "no paper"));
}

static void a_printer_that_says_nothing_has_taken_it(void **state) {
    (void)state;
    AUTO_BUF struct buf got;
    struct state told = print_one(CLOSES, &got);
    assert_string_equal(told.text, "sent");
    assert_true(holds(&got, "^XZ"));
}

/* Broken behind the last byte: nobody knows, so nobody sends it again but a person. */
static void what_nobody_knows_waits_for_a_person(void **state) {
    (void)state;
    AUTO_BUF struct buf got;
    struct state told = print_one(BREAKS, &got);
    assert_string_equal(told.text, "doubtful");
    assert_non_null(strstr(told.why, "may have been printed"));
}

static int again(struct ledger_tx *tx, void *context, struct err *err) {
    return print_again(tx, *(int64_t *)context, STR("kim"), err);
}

static int cancel(struct ledger_tx *tx, void *context, struct err *err) {
    return print_cancel(tx, *(int64_t *)context, STR("kim"), err);
}

static void what_waits_is_kept_in_order(void **state) {
    (void)state;
    struct rig rig;
    struct err err = ERR_INIT;
    struct printer printer = {.answer = ANSWERS};
    fill(&rig);
    printer_open(&printer);
    (void)close(printer.fd); // Nobody listens there.
    add_printer(&rig, printer.port);
    add_job(&rig, "261122-001");
    add_job(&rig, "261122-001");
    add_job(&rig, "nobody");
    assert_int_equal(printing_step(rig.plant, NULL, &err), 1);
    assert_int_equal(printing_step(rig.plant, NULL, &err), 0); // The second waits for the first.
    struct state told = states(&rig);
    assert_string_equal(told.text, "waiting waiting waiting");
    assert_non_null(strstr(told.why, "does not answer: Connection refused"));
    assert_int_equal(told.tries, 1);
    sql(&rig, "UPDATE print_jobs SET state = 'sending' WHERE number = 1"); // And the program ends.
    assert_int_equal(printing_begin(rig.plant, &err), 0);
    told = states(&rig);
    assert_string_equal(told.text, "doubtful waiting waiting");
    sql(&rig, "UPDATE printers SET active = 0");
    assert_int_equal(printing_step(rig.plant, NULL, &err), 1);
    told = states(&rig);
    assert_string_equal(told.text, "doubtful waiting waiting");
    assert_non_null(strstr(told.why, "out of use"));
    int64_t number = 2;
    struct ledger *ledger = plant_ledger(rig.plant);
    assert_int_equal(ledger_write(ledger, cancel, &number, &err), 0);
    assert_int_equal(ledger_write(ledger, cancel, &number, &err), -ERR_CONFLICT);
    number = 9;
    assert_int_equal(ledger_write(ledger, cancel, &number, &err), -ERR_NOT_FOUND);
    sql(&rig, "UPDATE printers SET active = 1");
    assert_int_equal(printing_step(rig.plant, NULL, &err), 1); // There is no such lot.
    told = states(&rig);
    assert_string_equal(told.text, "doubtful cancelled failed");
    number = 1;
    assert_int_equal(ledger_write(ledger, again, &number, &err), 0);
    told = states(&rig);
    assert_string_equal(told.text, "waiting cancelled failed");
    rig_close(&rig);
}

/* A printer that is being sent to is nobody else's; another one is. */
static void printers_do_not_wait_for_each_other(void **state) {
    (void)state;
    struct rig rig;
    struct err err = ERR_INIT;
    struct printer printer = {.answer = ANSWERS};
    fill(&rig);
    printer_open(&printer);
    (void)close(printer.fd); // Nobody listens there.
    add_printer(&rig, printer.port);
    add_job(&rig, "261122-001");
    add_job(&rig, "261122-001");
    add_job(&rig, "261122-001");
    sql(&rig, "UPDATE print_jobs SET state = 'sending' WHERE number = 1"); // By another thread.
    assert_int_equal(printing_step(rig.plant, NULL, &err), 0);
    sql(&rig, "INSERT INTO printers (changed_ns, code, name, address, dpi, release, active, note)"
              " SELECT 0, code || '2', name, address, dpi, release, active, '' FROM printers");
    sql(&rig,
        "UPDATE print_jobs SET printer = (SELECT max(number) FROM printers) WHERE number = 3");
    assert_int_equal(printing_step(rig.plant, NULL, &err), 1);
    assert_int_equal(printing_step(rig.plant, NULL, &err), 0);
    struct state told = states(&rig);
    assert_string_equal(told.text, "sending waiting waiting");
    assert_non_null(strstr(told.why, "does not answer: Connection refused"));
    rig_close(&rig);
}

static void addresses_and_answers_are_read(void **state) {
    (void)state;
    char host[PRINTER_HOST_MAX];
    char port[PRINTER_PORT_MAX];
    assert_true(printer_address(STR("192.168.0.40"), host, port));
    assert_string_equal(port, "9100");
    assert_true(printer_address(STR("[fe80::1]:6101"), host, port));
    assert_string_equal(host, "fe80::1");
    assert_string_equal(port, "6101");
    static const char *const WRONG[] = {
        "", "a b", "a:0", "a:99999", "a:", "http://a", "[::1", "[::1]x"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        assert_false(printer_address(str_of(WRONG[i]), host, port));
    }
    struct zpl_status status;
    assert_false(zpl_status_parse(STR("\x02"
                                      "030,1,0\x03"),
        &status));
    assert_false(zpl_status_parse(STR("HTTP/1.1 400 Bad Request"), &status));
    assert_true(zpl_status_parse(STR("\x02"
                                     "030,0,1,1245\x03\r\n\x02"
                                     "001,0,1,1,1,2,6,0,00000007,1\x03"),
        &status));
    assert_true(status.is_paused && status.head_open && status.no_ribbon && !status.no_paper);
    assert_int_equal(status.labels_left, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_bar_code_has_its_start_check_and_stop),
        cmocka_unit_test(square_codes_have_their_patterns),
        cmocka_unit_test(labels_are_drawn_in_three_ways),
        cmocka_unit_test(the_codes_of_a_terminal_fit_on_a_sheet),
        cmocka_unit_test(a_delivery_note_has_two_halves_and_says_when_it_is_a_copy),
        cmocka_unit_test(a_code_that_nobody_could_read_is_refused),
        cmocka_unit_test(a_label_is_printed_when_the_printer_says_so),
        cmocka_unit_test(a_printer_that_says_nothing_has_taken_it),
        cmocka_unit_test(what_nobody_knows_waits_for_a_person),
        cmocka_unit_test(what_waits_is_kept_in_order),
        cmocka_unit_test(printers_do_not_wait_for_each_other),
        cmocka_unit_test(addresses_and_answers_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

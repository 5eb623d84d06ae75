/*
 * Arguments, help and listen addresses: what a person types, as tables of what is taken and what is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/command.h"
#include "app/config.h"
#include "core/mem.h"

struct parse_case {
    const char *command;
    const char *arguments[8];
    int expected; // 0 or a negative code.
};

static const struct parse_case CASES[] = {
    {"query", {"HOME", "tag"}, 0},
    {"query", {"HOME", "a", "b", "--from", "-1h", "--every=1m"}, 0},
    {"query", {"--json", "HOME", "a", "--", "--odd-tag"}, 0},
    {"query", {"HOME", "a", "--at", "now,-1h", "--interpolate=linear"}, 0},
    {"query", {"HOME", "a", "--every=1m", "--fill", "null"}, 0},
    {"query", {"HOME", "a", "--fill"}, -ERR_USAGE},
    {"query", {"HOME"}, -ERR_USAGE},
    {"query", {NULL}, -ERR_USAGE},
    {"query", {"HOME", "a", "--from"}, -ERR_USAGE},
    {"query", {"HOME", "a", "--fromm", "-1h"}, -ERR_USAGE},
    {"query", {"HOME", "a", "--json=yes"}, -ERR_USAGE},
    {"query", {"HOME", "a", "--lang", "jp"}, -ERR_USAGE},
    {"run", {"HOME", "extra"}, -ERR_USAGE},
    {"demo", {NULL}, 0},
    {"import", {"HOME", "f.csv", "--as", "samples", "--dry-run"}, 0},
    {"init", {"HOME", "--plant", "p1", "--name", "한솔"}, 0},
};

static int parse(const struct parse_case *c, struct call *call, struct err *err) {
    char *argv[8] = {NULL};
    int argc = 0;
    while (argc < 8 && c->arguments[argc] != NULL) {
        argv[argc] = mem_copy_z(str_of(c->arguments[argc]));
        argc++;
    }
    int status = call_parse(call, command_find(str_of(c->command)), argc, argv, err);
    if (status == 0 && c->expected == 0 && call->positional_count > 0) {
        assert_non_null(call->positionals[0]);
    }
    for (int i = 0; i < argc; i++) {
        mem_free(argv[i]);
    }
    return status;
}

static void arguments_are_taken_or_refused_in_words(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct call *call = MEM_NEW(struct call);
        struct err err = ERR_INIT;
        assert_int_equal(parse(&CASES[i], call, &err), CASES[i].expected);
        assert_int_equal(-(int)err.code, CASES[i].expected);
        mem_free(call);
    }
}

static void a_paper_of_no_kind_is_answered_with_the_kinds_there_are(void **state) {
    (void)state;
    static const struct {
        const char *kind; // NULL: not said.
        const char *words;
    } LINES[] = {{NULL, "definition (data-collection definition), register"},
        {"poem", "\"poem\" is no paper"}, {"register", "-o FILE"}};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        struct call *call = MEM_NEW(struct call);
        struct err err = ERR_INIT;
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        char *argv[] = {mem_copy_z(STR("HOME")), mem_copy_z(STR("--kind")),
            mem_copy_z(str_of(LINES[i].kind != NULL ? LINES[i].kind : ""))};
        int argc = LINES[i].kind != NULL ? 3 : 1;
        assert_int_equal(call_parse(call, command_find(STR("papers")), argc, argv, &err), 0);
        assert_int_equal(cmd_papers(call, &err), -ERR_USAGE);
        err_render(&err, LANG_EN, &words);
        if (strstr(buf_z(&words), LINES[i].words) == NULL) {
            fail_msg("%s", buf_z(&words));
        }
        for (size_t n = 0; n < sizeof argv / sizeof argv[0]; n++) {
            mem_free(argv[n]);
        }
        mem_free(call);
    }
}

static void every_command_has_help_with_an_example_in_both_languages(void **state) {
    (void)state;
    for (size_t i = 0; command_at(i) != NULL; i++) {
        for (int lang = LANG_KO; lang <= LANG_EN; lang++) {
            struct buf text;
            buf_init(&text, 16384);
            msg_render(command_at(i)->help, NO_ARGS, (enum lang)lang, &text);
            assert_non_null(strstr(buf_z(&text), command_at(i)->name));
            assert_non_null(strstr(buf_z(&text), lang == LANG_KO ? "예: maru" : "Example: maru"));
            buf_fini(&text);
        }
    }
}

static void listen_addresses_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *address;
        int port; // -1: refused.
    } ADDRESSES[] = {{"127.0.0.1:8080", "127.0.0.1", 8080}, {"[::1]:0", "::1", 0},
        {"0.0.0.0:65535", "0.0.0.0", 65535}, {"127.0.0.1:65536", NULL, -1}, {"127.0.0.1", NULL, -1},
        {"localhost:80", NULL, -1}, {":80", NULL, -1}, {"", NULL, -1}, {"127.0.0.1:-1", NULL, -1},
        {"1.2.3.4.5:80", NULL, -1}};
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        struct config *config = MEM_NEW(struct config);
        struct err err = ERR_INIT;
        int status = config_listen(str_of(ADDRESSES[i].text), config, &err);
        assert_int_equal(status, ADDRESSES[i].port < 0 ? -ERR_INVALID : 0);
        if (status == 0) {
            assert_string_equal(config->address, ADDRESSES[i].address);
            assert_int_equal(config->port, ADDRESSES[i].port);
        }
        mem_free(config);
    }
}

static void a_configuration_is_strict(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int expected;
    } TEXTS[] = {{"", 0}, {"listen = \"0.0.0.0:80\"\n# note\nconnections = 8\n", 0},
        {"listne = \"0.0.0.0:80\"\n", -ERR_INVALID}, {"listen = \"here\"\n", -ERR_INVALID},
        {"connections = 7\n", -ERR_RANGE}, {"connections = many\n", -ERR_INVALID},
        {"tls_key = \"/k\"\n", -ERR_INVALID}, {"tls = \"maybe\"\n", -ERR_INVALID},
        {"tls = \"on\"\n", 0}, {"syslog = \"tls://siem:6514\"\n", 0},
        {"syslog = \"tcp://siem:514\"\n", -ERR_INVALID},
        {"syslog = \"tcp://siem:514\"\nsyslog_plain = true\n", 0},
        {"syslog = \"siem\"\n", -ERR_INVALID},

        {"tls = \"off\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"\n", -ERR_INVALID},
        {"listen = \"${HOME}\"\n", -ERR_INVALID}, {"listen = \"\xff\"\n", -ERR_INVALID},
        {"listen = {\n", -ERR_INVALID}};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct config *config = MEM_NEW(struct config);
        struct err err = ERR_INIT;
        assert_int_equal(config_parse(str_of(TEXTS[i].text), config, &err), TEXTS[i].expected);
        mem_free(config);
    }
}

static void https_is_served_as_soon_as_others_can_come(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool tls;
    } TEXTS[] = {{"", false}, {"listen = \"[::1]:80\"\n", false},
        {"listen = \"127.8.0.1:80\"\n", false}, {"listen = \"0.0.0.0:80\"\n", true},
        {"listen = \"[::]:80\"\n", true}, {"listen = \"192.168.0.2:80\"\n", true},
        {"listen = \"0.0.0.0:80\"\ntls = \"off\"\n", false}, {"tls = \"on\"\n", true},
        {"tls_certificate = \"/c\"\ntls_key = \"/k\"\n", true}};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct config *config = MEM_NEW(struct config);
        assert_int_equal(config_parse(str_of(TEXTS[i].text), config, NULL), 0);
        assert_int_equal(config_uses_tls(config), TEXTS[i].tls);
        assert_null(strstr(config_page_host(config), "0.0.0.0")); // No browser opens that.
        mem_free(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_taken_or_refused_in_words),
        cmocka_unit_test(a_paper_of_no_kind_is_answered_with_the_kinds_there_are),
        cmocka_unit_test(every_command_has_help_with_an_example_in_both_languages),
        cmocka_unit_test(listen_addresses_are_checked),
        cmocka_unit_test(a_configuration_is_strict),
        cmocka_unit_test(https_is_served_as_soon_as_others_can_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

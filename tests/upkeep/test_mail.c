/*
 * Mail: what it says, when it goes, how it looks on the wire, where its password lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/mem.h"
#include "ledger/people.h"
#include "upkeep/mail_queue.h"
#include "upkeep/mail_text.h"

struct place {
    char dir[64];
    char path[96];
    struct home *home;
};

static void open_home(struct place *place) {
    struct home_options options = {.dir = place->path, .exclusive = true};
    assert_int_equal(home_open(&options, &place->home, NULL), 0);
}

static int place_init(void **state) {
    struct place *place = MEM_NEW(struct place);
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/maru-mail-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->path, sizeof place->path, "%s/home", place->dir);
    assert_int_equal(home_create(place->path, STR("p1"), STR("x"), STR("UTC"), NULL), 0);
    open_home(place);
    *state = place;
    return 0;
}

static int place_fini(void **state) {
    struct place *place = *state;
    home_close(place->home);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
    mem_free(place);
    return 0;
}

static struct mail_settings some_settings(void) {
    struct mail_settings settings = {.enabled = true,
        .server = "smtp://mail.example:587",
        .login = "maru",
        .sender = "maru@plant.example",
        .recipient_count = 2};
    (void)str_copy_z(STR("kim@plant.example"), settings.recipients[0].address, MAIL_ADDRESS_MAX);
    (void)str_copy_z(STR("lee@plant.example"), settings.recipients[1].address, MAIL_ADDRESS_MAX);
    settings.recipients[1].lang = LANG_EN;
    return settings;
}

static int put(struct place *place, const struct mail_settings *settings, const char *password) {
    struct err err = ERR_INIT;
    return mail_put(place->home, settings, password, STR("test"), &err);
}

/* ---- Settings ---- */

static bool file_holds(const char *path, const char *words) {
    int fd = -1;
    struct file_map map = {.size = 0};
    if (file_open(files_system(), path, FILE_READ, &fd, NULL) < 0) {
        return false;
    }
    assert_int_equal(file_map(fd, path, &map, NULL), 0);
    bool found = map.size > 0 && memmem(map.data, map.size, words, strlen(words)) != NULL;
    file_unmap(&map);
    file_close(fd);
    return found;
}

static void a_password_lies_sealed_and_opens_again(void **state) {
    struct place *place = *state;
    struct mail_settings settings = some_settings();
    assert_int_equal(put(place, &settings, "correct-horse-7"), 0);
    struct mail_settings got;
    assert_int_equal(mail_get(place->home, &got, NULL), 0);
    assert_true(got.enabled && got.has_password);
    assert_string_equal(got.server, settings.server);
    assert_int_equal(got.recipient_count, 2);
    assert_int_equal(got.recipients[1].lang, LANG_EN);
    home_close(place->home);
    char path[160];
    static const char *const FILES[] = {"hub.db", "hub.db-wal"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place->path, FILES[i]);
        assert_false(file_holds(path, "correct-horse-7"));
    }
    open_home(place);
    struct mail_secret *secret = MEM_NEW(struct mail_secret);
    assert_int_equal(mail_open(place->home, secret, NULL), 0);
    assert_string_equal(secret->password, "correct-horse-7");
    (void)snprintf(path, sizeof path, "%s/keys/mail.password.key", place->path);
    assert_int_equal(file_remove(files_system(), path, NULL), 0);
    assert_int_equal(mail_open(place->home, secret, NULL), -ERR_FORBIDDEN);
    mem_free(secret);
}

static void a_stored_password_goes_to_no_other_server(void **state) {
    struct place *place = *state;
    struct mail_settings settings = some_settings();
    assert_int_equal(put(place, &settings, "secret-words"), 0);
    (void)str_copy_z(STR("smtp://evil.example:587"), settings.server, sizeof settings.server);
    assert_int_equal(put(place, &settings, NULL), -ERR_INVALID);
    assert_int_equal(put(place, &settings, "another"), 0);
    (void)str_copy_z(STR("other"), settings.login, sizeof settings.login);
    assert_int_equal(put(place, &settings, NULL), -ERR_INVALID);
    assert_int_equal(put(place, &settings, ""), 0); // Removed.
    assert_int_equal(mail_get(place->home, &settings, NULL), 0);
    assert_false(settings.has_password);
    settings.enabled = false;
    assert_int_equal(put(place, &settings, NULL), 0); // Everything else may change.
}

static void settings_that_cannot_work_are_refused(void **state) {
    struct place *place = *state;
    static const char *const SERVERS[] = {"", "mail.example", "http://mail.example", "smtp://",
        "smtp://a:0", "smtp://a:65536", "smtp://a b", "smtp://a/b", "smtp://u:p@a", "smtp://[::1"};
    for (size_t i = 0; i < sizeof SERVERS / sizeof SERVERS[0]; i++) {
        struct mail_settings settings = some_settings();
        (void)str_copy_z(str_of(SERVERS[i]), settings.server, sizeof settings.server);
        if (put(place, &settings, NULL) != -ERR_INVALID) {
            fail_msg("server \"%s\" was taken", SERVERS[i]);
        }
    }
    static const char *const ADDRESSES[] = {"", "kim", "@plant", "kim@", "a@b@c",
        "kim@plant\r\nBcc: x@y", "kim <k@plant>", "k im@plant", "k,l@plant"};
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        struct mail_settings settings = some_settings();
        (void)str_copy_z(str_of(ADDRESSES[i]), settings.recipients[0].address, MAIL_ADDRESS_MAX);
        assert_int_equal(put(place, &settings, NULL), -ERR_INVALID);
        settings = some_settings();
        (void)str_copy_z(str_of(ADDRESSES[i]), settings.sender, sizeof settings.sender);
        assert_int_equal(put(place, &settings, NULL), -ERR_INVALID);
    }
    struct mail_settings twice = some_settings();
    twice.recipients[1] = twice.recipients[0];
    assert_int_equal(put(place, &twice, NULL), -ERR_INVALID);
    struct mail_settings nobody = some_settings();
    nobody.recipient_count = 0;
    assert_int_equal(put(place, &nobody, NULL), -ERR_INVALID);
}

static void tls_is_needed_for_all_but_this_computer(void **state) {
    (void)state;
    static const struct {
        const char *server;
        bool tls;
    } SERVERS[] = {{"smtp://mail.example:587", true}, {"smtps://mail.example", true},
        {"smtp://127.0.0.1:25", false}, {"smtp://localhost", false}, {"smtp://[::1]:25", false},
        {"smtps://127.0.0.1:465", true}, {"smtp://127.evil.example", true},
        {"smtp://localhost.evil.example", true}, {"smtp://192.168.0.5", true}};
    for (size_t i = 0; i < sizeof SERVERS / sizeof SERVERS[0]; i++) {
        struct mail_server server;
        assert_true(mail_server_parse(SERVERS[i].server, &server));
        if (server.tls != SERVERS[i].tls) {
            fail_msg("%s: tls %d", SERVERS[i].server, server.tls);
        }
    }
}

/* ---- When and what ---- */

static void a_mail_waits_for_the_group_and_the_gap(void **state) {
    (void)state;
    struct mail_pace pace = {0};
    int64_t t = 1000 * NS_PER_S;
    assert_false(mail_is_due(&pace, true, t, INT64_MAX)); // New.
    assert_false(mail_is_due(&pace, true, t + 59 * NS_PER_S, INT64_MAX));
    assert_true(mail_is_due(&pace, true, t + 60 * NS_PER_S, INT64_MAX));
    pace.changed_ns = 0;
    assert_false(mail_is_due(&pace, true, t, 0));
    assert_false(mail_is_due(&pace, true, t + 60 * NS_PER_S, 599 * NS_PER_S)); // Ten minutes.
    assert_true(mail_is_due(&pace, true, t + 61 * NS_PER_S, 600 * NS_PER_S));
    pace.changed_ns = 0;
    assert_false(mail_is_due(&pace, true, t, INT64_MAX));
    assert_false(mail_is_due(&pace, false, t + 30 * NS_PER_S, INT64_MAX)); // It passed.
    assert_false(mail_is_due(&pace, true, t + 61 * NS_PER_S, INT64_MAX));  // It begins anew.
}

static struct noted noted(const char *plant, const char *key, const char *ko, const char *en) {
    struct noted one = {.severity = 2};
    (void)str_copy_z(str_of(plant), one.plant, sizeof one.plant);
    (void)str_copy_z(str_of(key), one.key, sizeof one.key);
    (void)str_copy_z(str_of(ko), one.words[LANG_KO], NOTED_WORDS_MAX);
    (void)str_copy_z(str_of(en), one.words[LANG_EN], NOTED_WORDS_MAX);
    (void)str_copy_z(STR("선을 확인하십시오"), one.action[LANG_KO], NOTED_WORDS_MAX);
    (void)str_copy_z(STR("check the cable"), one.action[LANG_EN], NOTED_WORDS_MAX);
    return one;
}

static void a_mail_says_what_is_new_solved_and_left(void **state) {
    (void)state;
    struct noted_list *before = MEM_NEW(struct noted_list);
    struct noted_list *now = MEM_NEW(struct noted_list);
    struct noted press = noted("p1", "device.down press1", "프레스", "press silent");
    struct noted disk = noted("p1", "disk.low", "디스크", "disk low");
    struct noted pump = noted("p1", "device.down pump", "펌프", "pump silent");
    noted_add(before, &press);
    noted_add(before, &disk);
    noted_add(now, &disk);
    noted_add(now, &pump);
    struct mail_words words;
    mail_compose(before, now, &words);
    assert_string_equal(buf_z(&words.subject[LANG_EN]), "[Maru] 2 problems (1 new, 1 solved)");
    assert_true(str_starts(buf_str(&words.body[LANG_EN]),
        STR("New:\n- [p1] pump silent\n  What to do: check the cable\n\nSolved:\n- [p1] press "
            "silent\n\nStill there:\n- [p1] disk low\n\n")));
    assert_non_null(strstr(buf_z(&words.body[LANG_KO]), "새 문제:\n- [p1] 펌프\n  조치: 선을"));
    mail_words_fini(&words);
    now->count = 0;
    mail_compose(before, now, &words);
    assert_string_equal(buf_z(&words.subject[LANG_EN]), "[Maru] All well again");
    assert_string_equal(buf_z(&words.subject[LANG_KO]), "[Maru] 모두 정상으로 돌아왔습니다");
    assert_true(str_starts(buf_str(&words.body[LANG_EN]), STR("Solved:\n")));
    mail_words_fini(&words);
    mem_free(before);
    mem_free(now);
}

static void what_is_of_the_whole_home_is_said_once(void **state) {
    (void)state;
    struct noted_list *list = MEM_NEW(struct noted_list);
    struct noted one = noted("", "backup.failed", "백업", "backup failed");
    struct noted two = noted("", "backup.failed", "백업", "backup failed");
    struct noted own = noted("p2", "device.down press", "프레스", "press silent");
    struct noted other = noted("p1", "device.down press", "프레스", "press silent");
    noted_add(list, &one);
    noted_add(list, &two);
    noted_add(list, &own);
    noted_add(list, &other);
    assert_int_equal(list->count, 3);
    assert_string_equal(list->items[0].plant, "");
    assert_string_equal(list->items[1].plant, "p2");
    mem_free(list);
}

struct person {
    const char *email;
    const char *plant;
};

static int person_store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct person *person = context;
    struct str login = str_of(person->email);
    char organisation[40];
    char id[40];
    int rc = organisation_first(tx, organisation, err);
    struct user_wish wish = {.login = str_slice(login, 0, 3),
        .display = STR_NONE,
        .email = login,
        .organisation_id = str_of(organisation),
        .hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"};
    struct str p2 = STR("p2");
    rc = rc < 0 ? rc : hub_plants_enter(tx, &p2, 1, err);
    rc = rc < 0 ? rc : user_new(tx, &wish, id, err);
    struct access access = {.user_id = str_of(id),
        .plant = str_of(person->plant),
        .role = ROLE_VIEWER,
        .given_by = STR("maru")};
    return rc < 0 ? rc : access_put(tx, &access, err);
}

static void put_person(struct place *place, const char *email, const char *plant) {
    struct person person = {email, plant};
    struct err err = ERR_INIT;
    assert_int_equal(ledger_write(home_hub(place->home), person_store, &person, &err), 0);
}

/* Of two plants each is told to its own people; a stranger's address hears of the computer only. */
static void a_mail_tells_of_no_plant_that_its_reader_may_not_see(void **state) {
    struct place *place = *state;
    struct mail_settings settings = some_settings();
    (void)str_copy_z(STR("who@else.example"), settings.recipients[2].address,
        sizeof settings.recipients[2].address);
    settings.recipients[2].lang = settings.recipients[0].lang = LANG_EN;
    settings.recipient_count = 3;
    assert_int_equal(put(place, &settings, "x-password"), 0);
    put_person(place, "kim@plant.example", "p1");
    put_person(place, "lee@plant.example", "p2");
    struct noted_list *before = MEM_NEW(struct noted_list);
    struct noted_list *now = MEM_NEW(struct noted_list);
    struct noted press = noted("p1", "device.down press", "프레스", "press silent");
    struct noted pump = noted("p2", "device.down pump", "펌프", "pump silent");
    struct noted disk = noted("", "disk.low", "디스크", "disk low");
    noted_add(now, &press);
    noted_add(now, &pump);
    struct mail_told told = {.settings = &settings, .before = before, .now = now, .now_ns = 5000};
    struct ledger *hub = home_hub(place->home);
    assert_int_equal(mail_tell(hub, &told, NULL), 0);
    uint64_t count = 0;
    assert_int_equal(mail_count(hub, &count, NULL), 0);
    assert_int_equal(count, 2); // None to whom nothing may be told.
    *before = *now;
    noted_add(now, &disk);
    assert_int_equal(mail_tell(hub, &told, NULL), 0);
    for (int i = 0; i < 5; i++) {
        struct waiting_mail mail;
        assert_int_equal(mail_next(hub, 6000, &mail, NULL), 1);
        bool kim = strcmp(mail.address, "kim@plant.example") == 0;
        bool lee = strcmp(mail.address, "lee@plant.example") == 0;
        assert_int_equal(strstr(mail.body, "press silent") != NULL, kim);
        assert_int_equal(strstr(mail.body, "pump silent") != NULL, lee);
        assert_int_equal(strstr(mail.body, "disk low") != NULL, i >= 2);
        assert_null(strstr(mail.subject, "2 new"));
        assert_int_equal(mail_done(hub, mail.id, NULL), 0);
        waiting_mail_fini(&mail);
    }
    mem_free(before);
    mem_free(now);
}

static void the_queue_and_what_was_told_survive_a_restart(void **state) {
    struct place *place = *state;
    struct mail_settings settings = some_settings();
    assert_int_equal(put(place, &settings, "x-password"), 0);
    struct noted_list *before = MEM_NEW(struct noted_list);
    struct noted_list *now = MEM_NEW(struct noted_list);
    struct noted press = noted("p1", "device.down press1", "프레스", "press silent");
    noted_add(now, &press);
    put_person(place, "kim@plant.example", "p1");
    put_person(place, "LEE@plant.example", "p1");
    struct mail_told told = {.settings = &settings, .before = before, .now = now, .now_ns = 5000};
    assert_int_equal(mail_tell(home_hub(place->home), &told, NULL), 0);
    home_close(place->home);
    open_home(place);
    struct ledger *hub = home_hub(place->home);
    assert_int_equal(noted_read(hub, before, NULL), 0);
    assert_int_equal(before->count, 1);
    assert_true(noted_has(before, &press));
    assert_string_equal(before->items[0].words[LANG_KO], "프레스");
    int64_t last = 0;
    assert_int_equal(mail_last_told(hub, &last, NULL), 0);
    assert_int_equal(last, 5000);
    uint64_t count = 0;
    assert_int_equal(mail_count(hub, &count, NULL), 0);
    assert_int_equal(count, 2);
    struct waiting_mail mail;
    assert_int_equal(mail_next(hub, 6000, &mail, NULL), 1);
    assert_string_equal(mail.address, "kim@plant.example");
    assert_non_null(strstr(mail.subject, "문제"));
    assert_int_equal(mail_later(hub, mail.id, 9000, NULL), 0);
    int64_t first = mail.id;
    waiting_mail_fini(&mail);
    assert_int_equal(mail_next(hub, 6000, &mail, NULL), 1); // The other one.
    assert_string_equal(mail.address, "lee@plant.example");
    assert_non_null(strstr(mail.subject, "problems"));
    assert_int_equal(mail_done(hub, mail.id, NULL), 0);
    waiting_mail_fini(&mail);
    assert_int_equal(mail_next(hub, 8999, &mail, NULL), 0);
    assert_int_equal(mail_next(hub, 9000, &mail, NULL), 1);
    assert_int_equal(mail.id, first);
    assert_int_equal(mail.tries, 1);
    waiting_mail_fini(&mail);
    mem_free(before);
    mem_free(now);
}

/* ---- On the wire ---- */

static void base64_is_that_of_the_standard(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) { // RFC 4648 section 10
        struct buf text;
        buf_init(&text, 100);
        base64_put(str_of(CASES[i][0]), 0, &text);
        assert_string_equal(buf_z(&text), CASES[i][1]);
        buf_fini(&text);
    }
}

static void a_mail_is_ascii_in_short_lines(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    struct mail_text mail = {.sender = "maru@plant.example",
        .recipient = "kim@plant.example",
        .subject =
            STR("[Maru] 문제 두 건\r\nBcc: evil@example — 아주 긴 제목입니다 아주 긴 제목입니다"),
        .body = STR("한 줄\n.\n두 줄이며 조금 더 길어서 한 줄에 들어가지 않는 본문입니다\n"),
        .time_ns = 1763600000 * NS_PER_S,
        .id = "0190"};
    mail_text_write(&mail, &text);
    const char *all = buf_z(&text);
    assert_non_null(strstr(all, "Date: Thu, 20 Nov 2025 00:53:20 +0000\r\n"));
    assert_non_null(strstr(all, "From: Maru <maru@plant.example>\r\nTo: <kim@plant.example>\r\n"));
    assert_null(strstr(all, "Bcc"));
    assert_non_null(strstr(all, "Auto-Submitted: auto-generated\r\n"));
    size_t column = 0;
    for (size_t i = 0; i < text.size; i++) {
        assert_true(text.data[i] < 0x80);
        column = all[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 78);
    }
    buf_fini(&text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_init, place_fini)
    const struct CMUnitTest tests[] = {
        TEST(a_password_lies_sealed_and_opens_again),
        TEST(a_stored_password_goes_to_no_other_server),
        TEST(settings_that_cannot_work_are_refused),
        cmocka_unit_test(tls_is_needed_for_all_but_this_computer),
        cmocka_unit_test(a_mail_waits_for_the_group_and_the_gap),
        cmocka_unit_test(a_mail_says_what_is_new_solved_and_left),
        cmocka_unit_test(what_is_of_the_whole_home_is_said_once),
        TEST(a_mail_tells_of_no_plant_that_its_reader_may_not_see),
        TEST(the_queue_and_what_was_told_survive_a_restart),
        cmocka_unit_test(base64_is_that_of_the_standard),
        cmocka_unit_test(a_mail_is_ascii_in_short_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

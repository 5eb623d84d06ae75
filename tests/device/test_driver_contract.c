/*
 * What every registered driver must stand: silence, answers cut at each byte, garbage, each byte
 * damaged, bytes one at a time, a lost session, a late answer. The raw material is
 * tests/captures/<driver>_contract.cap: two polls with one request each whose values differ, and
 * before them what is answered while connecting, which is given anew in each session.
 */
#include "support_device.h"

#include <stdio.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"

enum { ANSWERS = 2, GREETINGS = 4, TAGS = 8, GARBAGE_ROUNDS = 400, GARBAGE_BYTES = 300 };

struct script {
    char options[256];
    char names[TAGS][32];
    char sources[TAGS][64];
    struct tag_line tags[TAGS + 1];
    uint32_t tag_count;
    struct buf greetings[GREETINGS]; // Answers while connecting.
    uint32_t greeting_count;
    struct buf answers[ANSWERS];
    uint32_t answer_count;
    double values[ANSWERS][TAGS]; // What each poll gives.
    uint32_t poll_count;
};

static int hex(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void script_line(struct script *script, struct str line) {
    struct str word = str_cut(&line, ' ');
    if (str_eq(word, STR("device"))) {
        (void)str_copy_z(line, script->options, sizeof script->options);
    } else if (str_eq(word, STR("tag"))) {
        uint32_t i = script->tag_count++;
        assert_true(i < TAGS);
        (void)str_copy_z(str_cut(&line, ' '), script->names[i], sizeof script->names[i]);
        (void)str_copy_z(line, script->sources[i], sizeof script->sources[i]);
        script->tags[i] = (struct tag_line){script->names[i], "d", script->sources[i]};
    } else if (str_eq(word, STR("poll"))) {
        script->poll_count++;
    } else if (str_eq(word, STR("<"))) {
        bool greets = script->poll_count == 0;
        assert_true(greets ? script->greeting_count < GREETINGS : script->answer_count < ANSWERS);
        struct buf *answer = greets ? &script->greetings[script->greeting_count++]
                                    : &script->answers[script->answer_count++];
        buf_init(answer, 4096);
        while (line.size > 0) {
            struct str pair = str_cut(&line, ' ');
            buf_put_char(answer, (char)(hex(pair.data[0]) << 4 | hex(pair.data[1])));
        }
    } else if (str_eq(word, STR("="))) {
        struct str name = str_cut(&line, ' ');
        for (uint32_t i = 0; i < script->tag_count; i++) {
            if (str_eq(name, str_of(script->names[i]))) {
                assert_true(str_to_f64(line, &script->values[script->poll_count - 1][i]));
            }
        }
    }
}

static void script_load(struct script *script, const struct driver *driver) {
    *script = (struct script){0};
    char path[512];
    (void)snprintf(path, sizeof path, TEST_CAPTURES "/%s_contract.cap", driver->name);
    struct err err = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    if (file_open(files_system(), path, FILE_READ, &fd, &err) < 0) {
        fail_msg("%s: %s", driver->name, words_of(&err));
    }
    assert_int_equal(0, file_size(fd, path, &size, &err));
    AUTO_FREE char *text = mem_zero((size_t)size + 1, 1);
    assert_int_equal(0, file_read_at(fd, path, 0, text, (size_t)size, &err));
    struct str rest = str_of(text);
    while (rest.size > 0) {
        script_line(script, str_trim(str_cut(&rest, '\n')));
    }
    assert_int_equal(ANSWERS, script->answer_count);
    assert_int_equal(ANSWERS, script->poll_count);
}

static void script_free(struct script *script) {
    for (uint32_t i = 0; i < script->answer_count; i++) {
        buf_fini(&script->answers[i]);
    }
    for (uint32_t i = 0; i < script->greeting_count; i++) {
        buf_fini(&script->greetings[i]);
    }
}

/* What the memory link answers to its n-th request. */
struct replies {
    const struct script *script;
    const struct memory_link *link;
    uint32_t session; // Opens that were greeted.
    uint32_t greeted; // Greetings given in this session.
    const uint8_t *data[8];
    size_t size[8];
    uint32_t next;
};

static void reply(void *context, const uint8_t *data, size_t size, struct buf *answer) {
    (void)data;
    (void)size;
    struct replies *replies = context;
    if (replies->session != replies->link->opens) {
        replies->session = replies->link->opens;
        replies->greeted = 0;
    }
    if (replies->greeted < replies->script->greeting_count) {
        const struct buf *greeting = &replies->script->greetings[replies->greeted++];
        buf_put(answer, greeting->data, greeting->size);
    } else if (replies->next < 8) {
        buf_put(answer, replies->data[replies->next], replies->size[replies->next]);
        replies->next++;
    }
}

struct trial {
    struct script *script;
    struct rig rig;
    struct replies replies;
    struct memory_link *link;
    struct device_line device;
};

static void trial_start(struct trial *trial, struct script *script, const struct driver *driver) {
    trial->script = script;
    trial->replies = (struct replies){0};
    trial->device = (struct device_line){"d", driver->name, "127.0.0.1:1", script->options, 1000};
    trial->link = memory_link_new(reply, &trial->replies);
    trial->replies.script = script;
    trial->replies.link = trial->link;
    rig_init(&trial->rig, &trial->device, script->tags, &trial->link->link);
}

static void add_reply(struct trial *trial, const void *data, size_t size) {
    uint32_t i = 0;
    while (trial->replies.data[i] != NULL) {
        i++;
    }
    trial->replies.data[i] = data;
    trial->replies.size[i] = size;
}

static int trial_poll(struct trial *trial) {
    struct err err = ERR_INIT;
    if (!trial->rig.poller.connected) {
        assert_int_equal(0, rig_connect(&trial->rig, &err));
    }
    int result = rig_poll(&trial->rig, &err);
    if (result < 0) {
        assert_true(err.code != ERR_OK && err.note_count > 0); // With words.
        poller_disconnect(&trial->rig.poller);
        poller_mark_bad(&trial->rig.poller, trial->rig.plan, STATUS_BAD_COMMUNICATION);
    }
    return result;
}

/* True when every tag's newest row is good and has the values of that poll. */
static bool has_values(struct trial *trial, uint32_t poll) {
    for (uint32_t i = 0; i < trial->script->tag_count; i++) {
        struct box_row last = box_last(&trial->rig.box, i + 1);
        if (last.row.status != (uint32_t)STATUS_GOOD ||
            sample_number(&last.row) != trial->script->values[poll][i]) {
            return false;
        }
    }
    return true;
}

static bool all_bad(struct trial *trial) {
    for (uint32_t i = 0; i < trial->script->tag_count; i++) {
        struct box_row last = box_last(&trial->rig.box, i + 1);
        if (box_count(&trial->rig.box, i + 1) == 0 ||
            status_quality(last.row.status) != QUALITY_BAD) {
            return false;
        }
    }
    return true;
}

#define ANSWER(script, i) (script)->answers[i].data, (script)->answers[i].size

static void check_good(struct script *script, const struct driver *driver, size_t piece) {
    struct trial trial;
    trial_start(&trial, script, driver);
    trial.link->piece = piece;
    add_reply(&trial, ANSWER(script, 0));
    add_reply(&trial, ANSWER(script, 1));
    assert_int_equal(0, trial_poll(&trial));
    assert_true(has_values(&trial, 0));
    assert_int_equal(0, trial_poll(&trial));
    assert_true(has_values(&trial, 1));
    rig_fini(&trial.rig);
}

static void check_silence(struct script *script, const struct driver *driver) {
    struct trial trial;
    trial_start(&trial, script, driver);
    add_reply(&trial, "", 0);
    (void)trial_poll(&trial);
    assert_true(all_bad(&trial));
    uint32_t rows = box_count(&trial.rig.box, 1);
    (void)trial_poll(&trial);
    assert_int_equal(rows, box_count(&trial.rig.box, 1)); // Told once.
    rig_fini(&trial.rig);
}

static void check_cut(struct script *script, const struct driver *driver, bool closes) {
    for (size_t size = 0; size < script->answers[0].size; size++) {
        struct trial trial;
        trial_start(&trial, script, driver);
        trial.link->closes = closes;
        add_reply(&trial, script->answers[0].data, size);
        add_reply(&trial, ANSWER(script, 1));
        int first = trial_poll(&trial);
        assert_true(all_bad(&trial));
        assert_true(!closes || first < 0);
        rig_fini(&trial.rig);
    }
}

/* A late answer is dropped and ours is taken. A protocol without request numbers cannot tell them
 * apart: its driver gives the session up, and the late answer goes down with it. */
static void check_late(struct script *script, const struct driver *driver) {
    struct trial trial;
    trial_start(&trial, script, driver);
    AUTO_BUF struct buf both;
    buf_init(&both, 8192);
    buf_put(&both, ANSWER(script, 0));
    buf_put(&both, ANSWER(script, 1));
    add_reply(&trial, "", 0);
    bool gives_up = trial_poll(&trial) < 0;
    assert_true(all_bad(&trial));
    if (gives_up) {
        add_reply(&trial, ANSWER(script, 1));
    } else {
        add_reply(&trial, both.data, both.size);
    }
    assert_int_equal(0, trial_poll(&trial));
    assert_true(has_values(&trial, 1));
    assert_int_equal(gives_up ? 2 : 1, trial.link->opens);
    rig_fini(&trial.rig);
}

static void check_garbage(struct script *script, const struct driver *driver) {
    struct random random;
    random_seed(&random, 11);
    uint8_t bytes[GARBAGE_BYTES];
    for (uint32_t round = 0; round < GARBAGE_ROUNDS; round++) {
        struct trial trial;
        trial_start(&trial, script, driver);
        size_t size = random_below(&random, sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)random_u64(&random);
        }
        add_reply(&trial, bytes, size);
        (void)trial_poll(&trial);
        assert_true(all_bad(&trial));
        rig_fini(&trial.rig);
    }
}

/* Any byte of the answer changed: the poll ends, and the next session is sound. */
static void check_damage(struct script *script, const struct driver *driver) {
    for (size_t at = 0; at < script->answers[0].size; at++) {
        uint8_t bytes[4096];
        memcpy(bytes, ANSWER(script, 0));
        bytes[at] ^= 0x55;
        struct trial trial;
        trial_start(&trial, script, driver);
        add_reply(&trial, bytes, script->answers[0].size);
        add_reply(&trial, ANSWER(script, 1));
        int first = trial_poll(&trial);
        if (first < 0) {
            assert_int_equal(0, trial_poll(&trial));
            assert_int_equal(2, trial.link->opens);
            assert_true(has_values(&trial, 1));
        }
        rig_fini(&trial.rig);
    }
}

static void every_driver_stands_the_contract(void **state) {
    (void)state;
    for (size_t i = 0; driver_at(i) != NULL; i++) {
        const struct driver *driver = driver_at(i);
        if (plan_is_alone(driver)) {
            continue; // Not one that asks bytes for bytes: its own test has its own faults.
        }
        struct script script;
        script_load(&script, driver);
        check_good(&script, driver, 0);
        check_good(&script, driver, 1);
        check_silence(&script, driver);
        check_cut(&script, driver, false);
        check_cut(&script, driver, true);
        check_late(&script, driver);
        check_garbage(&script, driver);
        check_damage(&script, driver);
        script_free(&script);
    }
}

static void every_driver_says_what_it_is_and_what_it_takes(void **state) {
    (void)state;
    for (size_t i = 0; driver_at(i) != NULL; i++) {
        const struct driver *driver = driver_at(i);
        assert_ptr_equal(driver, driver_find(str_of(driver->name)));
        assert_true(strlen(driver->help_en) > 20 && strlen(driver->help_ko) > 20);
        assert_non_null(driver->parse_address);
        assert_non_null(driver->span);
        assert_true((driver->read_groups == NULL) != (driver->receive == NULL));
        assert_true(driver->receive == NULL || driver->events);
        uint32_t count = 0;
        for (const struct driver_option *option = driver->options; option->name != NULL; option++) {
            assert_true(strlen(option->help_en) > 0 && strlen(option->help_ko) > 0);
            assert_true(option->words != NULL || option->is_text ||
                        (option->min <= option->fallback && option->fallback <= option->max));
            for (const struct driver_option *link = device_link_options(); link->name != NULL;
                 link++) {
                assert_string_not_equal(link->name, option->name);
            }
            count++;
        }
        assert_true(count <= DRIVER_OPTIONS_MAX);
    }
    assert_null(driver_find(STR("nothing")));
    assert_null(driver_at(1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_driver_stands_the_contract),
        cmocka_unit_test(every_driver_says_what_it_is_and_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

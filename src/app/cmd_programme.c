/*
 * maru programme: support programmes as data. list, show ID, validate FILE, and the six questions
 * (programme/verbs.h), which compute exactly what pages and cases show. Works without a home, on
 * the programmes that ship; an agency's own file is named by its path in place of an ID.
 *
 * A refusal is an answer, not a failure: exit 0, with the rule in `refused`. Exit 1: the input is
 * no such thing, or validate found faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/programme_text.h"
#include "core/file.h"
#include "core/json.h"
#include "programme/cases.h"
#include "programme/check.h"
#include "programme/shelf.h"
#include "programme/verbs.h"
#include "programme/words.h"

enum { INPUT_BYTES_MAX = 8 << 20, ANSWER_BYTES = 32 << 20, READ_BYTES = 65536 };

static int read_all(int fd, const char *path, struct buf *text, struct err *err) {
    while (true) {
        uint8_t *room = buf_reserve(text, READ_BYTES);
        if (!room) {
            return err_set(err, ERR_LIMIT, SAY_DESK(PROGRAMME_SIZE), ARGS(A_INT(INPUT_BYTES_MAX)));
        }
        ssize_t got = read(fd, room, READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, errno, str_of(path));
        }
        if (got == 0) {
            return 0;
        }
        buf_commit(text, (size_t)got);
    }
}

static int load_file(const char *path, struct programme **ret_programme, struct err *err) {
    AUTO_BUF struct buf text;
    buf_init(&text, PROGRAMME_BYTES_MAX + READ_BYTES);
    bool is_stdin = strcmp(path, "-") == 0;
    AUTO_CLOSE int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, errno, str_of(path));
    }
    int status = read_all(fd, path, &text, err);
    return status < 0 ? status : programme_parse(buf_str(&text), ret_programme, err);
}

struct finding_one {
    struct str id;
    struct programme *programme;
};

static int find_newest(struct ledger_tx *tx, void *context, struct err *err) {
    struct finding_one *wanted = context;
    struct programme_now now = {0};
    int status = programme_newest(tx, wanted->id, &now, err);
    wanted->programme = now.programme;
    return status;
}

/* By id, of the home or from the shelf; a name with a slash or an ending .json is a file, which a
 * served home cannot see. */
static int load(
    struct call *call, const char *name, struct programme **ret_programme, struct err *err) {
    bool is_file = strchr(name, '/') != NULL || str_ends(str_of(name), STR(".json"));
    if (is_file && call->hot) {
        return err_set(err, ERR_USAGE, SAY_DESK(DESK_FILE_HOT), NO_ARGS);
    }
    if (is_file || !call->home) {
        return is_file ? load_file(name, ret_programme, err)
                       : shelf_find(str_of(name), ret_programme, err);
    }
    struct finding_one wanted = {.id = str_of(name)};
    int status = ledger_read(home_hub(call->home), find_newest, &wanted, err);
    if (status >= 0) {
        *ret_programme = wanted.programme;
    }
    return status;
}

/* ---- For people ---- */

static void print_value(struct call *call, const struct json_in *value) {
    if (json_in_kind(value) == JSON_KIND_TEXT) {
        buf_put_str(&call->out, json_in_text(value));
    } else {
        json_in_put(value, &call->out);
    }
}

static void print_said(struct call *call, const struct json_in *list, const char *id) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *one = json_in_at(list, i);
        buf_put_str(&call->out, STR("  "));
        buf_put_str(&call->out, json_in_text(json_in_get(one, id)));
        buf_put_str(&call->out, STR(": "));
        if (json_in_get(one, "won")) {
            print_value(call, json_in_get(one, "won"));
            buf_put_str(&call->out, STR("  "));
        }
        if (json_in_get(one, "result")) {
            print_value(call, json_in_get(one, "result"));
            buf_put_str(&call->out, STR("  "));
        }
        buf_put_str(&call->out, programme_words(call, one));
        struct str why = programme_words(call, json_in_get(one, "why"));
        if (why.size > 0 && !str_eq(why, programme_words(call, one))) {
            buf_put_str(&call->out, STR(": "));
            buf_put_str(&call->out, why);
        }
        struct str source = json_in_text(json_in_get(one, "source"));
        if (source.size > 0) {
            buf_put_str(&call->out, STR("  ["));
            buf_put_str(&call->out, source);
            buf_put_char(&call->out, ']');
        }
        buf_put_char(&call->out, '\n');
    }
}

/* An answer as lines: members, then lists of objects with their words and sources. */
static int print_answer(struct call *call, struct str answer, struct err *err) {
    AUTO_JSON_IN struct json_in *root = NULL;
    int status = json_in_parse(answer, &root, err);
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (status >= 0 && json_in_next(root, &at, &name, &value)) {
        bool is_said = json_in_kind(json_in_at(value, 0)) == JSON_KIND_OBJECT;
        if (json_in_kind(value) == JSON_KIND_LIST && json_in_count(value) == 0) {
            continue;
        }
        buf_put_str(&call->out, name);
        buf_put_str(&call->out, STR(": "));
        if (is_said) {
            const struct json_in *first = json_in_at(value, 0);
            buf_put_char(&call->out, '\n');
            print_said(call, value, json_in_get(first, "rule") ? "rule" : "id");
        } else {
            print_value(call, value);
            buf_put_char(&call->out, '\n');
        }
        status = call_flush(call, false, err);
    }
    return status;
}

/* ---- list, show, validate ---- */

struct listing {
    struct call *call;
    struct json json;
    struct ledger_tx *tx; // Of the home's hub, where there is one.
};

static int list_one(void *context, const struct programme *programme, struct err *err) {
    struct listing *listing = context;
    struct call *call = listing->call;
    if (call->json) {
        programme_put_line(&listing->json, programme);
    } else {
        buf_printf(&call->out, "%-22.*s ", STR_ARG(programme_id(programme)));
        buf_put_str(&call->out, programme_words(call, programme_root(programme)));
        buf_put_str(&call->out, STR(": "));
        programme_put_state(call, programme_text(programme, "state"));
        buf_put_char(&call->out, '\n');
    }
    return call_flush(call, false, err);
}

static int list_newest(void *context, struct str id, struct err *err) {
    struct listing *listing = context;
    struct programme_now now = {0};
    int status = programme_newest(listing->tx, id, &now, err);
    status = status < 0 ? status : list_one(listing, now.programme, err);
    programme_free(now.programme);
    return status;
}

static int list_shipped(void *context, const struct programme *programme, struct err *err) {
    return list_newest(context, programme_id(programme), err);
}

static int list_home(struct ledger_tx *tx, void *context, struct err *err) {
    struct listing *listing = context;
    listing->tx = tx;
    int status = shelf_each(list_shipped, listing, err);
    return status < 0 ? status : programme_own_each(tx, list_newest, listing, err);
}

static int list(struct call *call, struct err *err) {
    struct listing listing = {.call = call};
    json_init(&listing.json, &call->out);
    if (call->json) {
        json_object_begin(&listing.json);
        json_key(&listing.json, "items");
        json_array_begin(&listing.json);
    }
    int status = call->home ? ledger_read(home_hub(call->home), list_home, &listing, err)
                            : shelf_each(list_one, &listing, err);
    if (call->json) {
        json_array_end(&listing.json);
        json_object_end(&listing.json);
        buf_put_char(&call->out, '\n');
    }
    return status < 0 ? status : EXIT_DONE;
}

static int show_one(struct call *call, const struct programme *programme, struct err *err) {
    AUTO_BUF struct buf answer;
    buf_init(&answer, ANSWER_BYTES);
    struct json json;
    json_init(&json, &answer);
    json_object_begin(&json);
    size_t at = 0;
    struct str name = STR_NONE;
    const struct json_in *value = NULL;
    while (json_in_next(programme_root(programme), &at, &name, &value)) {
        json_key_str(&json, name);
        json_value(&json, value);
    }
    json_key(&json, "sums"); // Of an umbrella; the rest is the document as it stands.
    int status = programme_put_portfolio(&json, programme, err);
    json_object_end(&json);
    if (status < 0) {
        return status;
    }
    if (call->json) {
        buf_put_str(&call->out, buf_str(&answer));
        buf_put_char(&call->out, '\n');
        return EXIT_DONE;
    }
    status = programme_put_text(call, programme_root(programme), err);
    return status < 0 ? status : EXIT_DONE;
}

struct validating {
    struct call *call;
    struct json json;
};

static int tell_finding(void *context, const struct finding *finding, struct err *err) {
    struct validating *validating = context;
    struct call *call = validating->call;
    (void)err;
    if (call->json) {
        json_object_begin(&validating->json);
        json_put_str(&validating->json, "level", finding->is_fault ? STR("fault") : STR("note"));
        json_put_str(&validating->json, "where", finding->where);
        answer_put_words(&validating->json, finding->msg, finding->args);
        json_object_end(&validating->json);
        return 0;
    }
    buf_put_str(&call->out, finding->is_fault ? STR("! ") : STR("  "));
    buf_put_str(&call->out, finding->where);
    buf_put_str(&call->out, STR(": "));
    msg_render(finding->msg, finding->args, call->lang, &call->out);
    buf_put_char(&call->out, '\n');
    return 0;
}

static int validate(struct call *call, const char *path, struct err *err) {
    struct programme *programme = NULL;
    int status = load_file(path, &programme, err);
    if (status < 0) {
        return status;
    }
    struct validating validating = {.call = call};
    AUTO_BUF struct buf findings;
    buf_init(&findings, ANSWER_BYTES);
    json_init(&validating.json, &findings);
    json_array_begin(&validating.json);
    int faults = programme_check(programme, tell_finding, &validating, err);
    json_array_end(&validating.json);
    if (call->json && faults >= 0) {
        struct json json;
        json_init(&json, &call->out);
        json_object_begin(&json);
        json_put_str(&json, "programme", programme_id(programme));
        json_put_bool(&json, "valid", faults == 0);
        json_key(&json, "findings");
        json_raw(&json, buf_str(&findings));
        json_object_end(&json);
        buf_put_char(&call->out, '\n');
    } else if (faults == 0) {
        msg_render(
            SAY_DESK(DESK_VALID), ARGS(A_STR(programme_id(programme))), call->lang, &call->out);
        buf_put_char(&call->out, '\n');
    } else if (faults > 0) {
        call_say(call, SAY_DESK(DESK_FAULTS), ARGS(A_INT(faults)));
    }
    programme_free(programme);
    return faults < 0 ? faults : faults == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- The questions ---- */

static int ask(struct call *call, const struct verb *verb, const struct programme *programme,
    struct err *err) {
    const char *path = call_value(call, "--input"); // Opened already, perhaps by another process.
    const char *type = call_value(call, "--type");
    if (!path) {
        return err_set(err, ERR_USAGE, SAY_DESK(DESK_INPUT), NO_ARGS);
    }
    AUTO_BUF struct buf text;
    buf_init(&text, INPUT_BYTES_MAX + READ_BYTES);
    AUTO_JSON_IN struct json_in *input = NULL;
    AUTO_BUF struct buf answer;
    buf_init(&answer, ANSWER_BYTES);
    int status = read_all(call->file_fd, path, &text, err);
    status = status < 0 ? status : json_in_parse(buf_str(&text), &input, err);
    status = status < 0 ? status
                        : verb_ask(verb, programme, str_of(type ? type : ""), input, &answer, err);
    if (status < 0) {
        return status;
    }
    if (!call->json) {
        status = print_answer(call, buf_str(&answer), err);
        return status < 0 ? status : EXIT_DONE;
    }
    for (size_t at = 0; at < answer.size && status >= 0; at += CALL_OUT_MAX / 4) {
        buf_put_str(&call->out, str_slice(buf_str(&answer), at, at + CALL_OUT_MAX / 4));
        status = call_flush(call, true, err);
    }
    buf_put_char(&call->out, '\n');
    return status < 0 ? status : EXIT_DONE;
}

int cmd_programme(struct call *call, struct err *err) {
    const char *name = call->positionals[0];
    const char *subject = call->positional_count > 1 ? call->positionals[1] : NULL;
    const struct verb *verb = verb_find(str_of(name));
    bool shows = strcmp(name, "show") == 0;
    if (strcmp(name, "list") == 0) {
        return list(call, err);
    }
    if (strcmp(name, "validate") == 0) {
        return call->hot ? err_set(err, ERR_USAGE, SAY_DESK(DESK_FILE_HOT), NO_ARGS)
               : subject ? validate(call, subject, err)
                         : err_set(err, ERR_USAGE, SAY_DESK(DESK_FILE), NO_ARGS);
    }
    if (!verb && !shows) {
        return err_set(err, ERR_USAGE, SAY_DESK(DESK_VERB), ARGS(A_CSTR(name)));
    }
    if (!subject) {
        return err_set(err, ERR_USAGE, SAY_DESK(DESK_ID), ARGS(A_CSTR(name)));
    }
    struct programme *programme = NULL;
    int status = load(call, subject, &programme, err);
    if (status < 0) {
        return status;
    }
    status = shows ? show_one(call, programme, err) : ask(call, verb, programme, err);
    programme_free(programme);
    return status;
}

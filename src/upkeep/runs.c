/*
 * Rows about rows: how the last backups went must survive a restart, or a Maru that is restarted
 * each morning would never notice that its nights fail.
 */
#include "upkeep/runs.h"

#include <stdio.h>
#include <string.h>

enum { RUNS_KEPT = 400 };

static void render(const struct err *why, enum lang lang, struct buf *words) {
    buf_init(words, RUN_WORDS_MAX - 1);
    if (why != NULL) {
        err_render(why, lang, words);
    }
}

static int store(struct ledger_tx *tx, void *context, struct err *err) {
    const struct upkeep_run *run = context;
    AUTO_BUF struct buf en;
    AUTO_BUF struct buf ko;
    render(run->why, LANG_EN, &en);
    render(run->why, LANG_KO, &ko);
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "INSERT INTO upkeep_runs (kind, ended_ns, good, subject, bytes, digest, words_en, words_ko)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, str_of(run->kind));
    ledger_bind_i64(stmt, 2, run->ended_ns);
    ledger_bind_i64(stmt, 3, run->good);
    ledger_bind_str(stmt, 4, run->subject);
    ledger_bind_i64(stmt, 5, (int64_t)run->bytes);
    ledger_bind_str(stmt, 6, run->digest);
    ledger_bind_str(stmt, 7, buf_str(&en));
    ledger_bind_str(stmt, 8, buf_str(&ko));
    status = ledger_step(stmt, err);
    if (status >= 0) {
        status = ledger_prepare(tx,
            "DELETE FROM upkeep_runs WHERE id <= (SELECT max(id) FROM upkeep_runs) - ?1", &stmt,
            err);
    }
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, RUNS_KEPT);
        status = ledger_step(stmt, err);
    }
    if (status < 0 || strcmp(run->kind, "clock") == 0) {
        return status;
    }
    char action[64];
    (void)snprintf(action, sizeof action, "upkeep.%s.%s", run->kind, run->good ? "good" : "failed");
    return audit_append(tx, STR("maru"), str_of(action), STR("home"), run->subject, err);
}

int run_store(struct ledger *hub, const struct upkeep_run *run, struct err *err) {
    struct upkeep_run copy = *run;
    return ledger_write(hub, store, &copy, err);
}

struct search {
    const char *kind;
    bool good;
    struct run_found found;
};

static int search(struct ledger_tx *tx, void *context, struct err *err) {
    struct search *s = context;
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT ended_ns, bytes, subject, words_en, words_ko FROM upkeep_runs"
        " WHERE kind = ?1 AND good = ?2 ORDER BY ended_ns DESC LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, str_of(s->kind));
    ledger_bind_i64(stmt, 2, s->good);
    status = ledger_step(stmt, err);
    if (status == 1) {
        s->found.any = true;
        s->found.ended_ns = ledger_column_i64(stmt, 0);
        s->found.bytes = (uint64_t)ledger_column_i64(stmt, 1);
        struct str subject = ledger_column_str(stmt, 2);
        (void)str_to_i64(subject, &s->found.number); // Stays 0 where it is a file.
        (void)str_copy_z(subject, s->found.subject, sizeof s->found.subject);
        (void)str_copy_z(ledger_column_str(stmt, 3), s->found.words[LANG_EN], RUN_WORDS_MAX);
        (void)str_copy_z(ledger_column_str(stmt, 4), s->found.words[LANG_KO], RUN_WORDS_MAX);
    }
    return status < 0 ? status : 0;
}

int run_newest(
    struct ledger *hub, const char *kind, bool good, struct run_found *ret_found, struct err *err) {
    struct search s = {.kind = kind, .good = good};
    int status = ledger_read(hub, search, &s, err);
    if (status >= 0) {
        *ret_found = s.found;
    }
    return status;
}

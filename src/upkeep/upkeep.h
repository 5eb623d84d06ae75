#ifndef UPKEEP_UPKEEP_H
#define UPKEEP_UPKEEP_H
/*
 * Keeping a home running without an administrator: backup of a home that is being served, restore,
 * the logical digest that proves the two equal, putting stores in order, the nightly round that
 * does these by itself, and one list of what is wrong and what to do. Owned by app; health is
 * borrowed by serve. Any thread may call; each call works on its caller's thread.
 */
#include "ledger/upkeep.h"
#include "plant/home.h"

/* Asked now and then during long work: negative with words ends it. NULL: never asked. */
struct watch {
    int (*go_on)(void *context, struct err *err);
    void *context;
};

/* ---- Backup ---- */

struct backup_options {
    struct home *home;
    struct str plant; // Empty: all plants and the hub.
    bool with_keys;   // Seal keys/ to a new phrase.
    int fd;           // Empty regular file, open for reading and writing; stays the caller's.
    const char *path; // For words.
    struct watch watch;
};
struct backup_report {
    uint64_t bytes;
    uint64_t rows; // Of samples, all versions.
    uint32_t plants;
    int64_t created_ns;
    char digest[DIGEST_TEXT_MAX];  // Of the file.
    char logical[DIGEST_TEXT_MAX]; // Of what it says.
    char phrase[PHRASE_TEXT_MAX];  // With keys; shown once.
};
/* Writes, syncs and reads back the whole file. Writers of the home are not held up. The caller
 * renames the file into place after success. ERR_SPACE, ERR_CANCELLED, ERR_BUSY. */
int backup_make(
    const struct backup_options *options, struct backup_report *ret_report, struct err *err);

struct backup_facts {
    int64_t created_ns;
    uint64_t bytes;
    uint64_t plain_bytes; // Unpacked: what a restore takes on disk.
    uint64_t parts;
    uint64_t rows;
    uint32_t plants;
    bool has_hub;
    bool has_keys;
    char version[32]; // Of the Maru that made it.
    char digest[DIGEST_TEXT_MAX];
    char logical[DIGEST_TEXT_MAX];
};
/* Reads every byte of a backup file and checks all digests. ERR_CORRUPT, ERR_VERSION. */
int backup_check(
    int fd, const char *path, struct watch watch, struct backup_facts *ret_facts, struct err *err);

/* ---- Restore ---- */

struct restore_options {
    int fd;
    const char *path;
    const char *home_dir; // Absent, or an empty folder.
    const char *phrase;   // NULL: sealed keys stay sealed.
    const char *erasures; // A list of erasures made since; NULL: none.
    struct watch watch;
};
struct restore_report {
    struct backup_facts facts;
    uint64_t erased;    // Payloads erased again.
    uint64_t withdrawn; // Consents that stood: a restored home sends nothing by itself.
    uint64_t revoked;   // Grants to other organisations that stood.
    bool keys_restored;
    bool keys_sealed; // They are inside, but no phrase was given: keys/sealed.
};
/* Checks the whole file, makes the home beside its place, checks that (every byte, the logical
 * digest), replays erasures, withdraws the consents and grants that stood (who gave them is asked
 * anew), and renames it into place: a home is there or not, never half of one. ERR_EXISTS: there is
 * something at home_dir already. */
int restore_run(
    const struct restore_options *options, struct restore_report *ret_report, struct err *err);
/* The same up to the checks, in `dir`, which is removed again: is this backup of use? */
int restore_test(int fd, const char *path, const char *dir, struct watch watch, struct err *err);

/* ---- Digests and erasures ---- */

/* The logical digest of an open home: samples by tag name and time, ledger rows by key, nothing of
 * how they lie on disk. */
int upkeep_digest(
    struct home *home, struct watch watch, char ret_logical[DIGEST_TEXT_MAX], struct err *err);
/* The same of a home that nobody has open; changes nothing that is stored. */
int upkeep_digest_cold(
    const char *home_dir, struct watch watch, char ret_logical[DIGEST_TEXT_MAX], struct err *err);
/* Writes (by rename) the list of all erasures made in a home, for --erasures of a later restore. */
int erasures_write(struct home *home, const char *path, struct err *err);

/* ---- Putting stores in order ---- */

struct optimize_report {
    uint64_t bytes_before; // Of histories and ledgers on disk.
    uint64_t bytes_after;
    uint64_t segments_before;
    uint64_t segments_after;
    uint64_t indexes;
    uint32_t ledgers;
    uint32_t rewritten; // Ledgers whose free pages were given back.
    int64_t spent_ns;
};
/* Merges segments, puts each ledger in order and checks it, while the home is served. A history
 * that is damaged stays as it is; a damaged ledger is an error that names it. */
int optimize_run(
    struct home *home, struct watch watch, struct optimize_report *ret_report, struct err *err);

#endif

#ifndef PLANT_HOME_H
#define PLANT_HOME_H
/*
 * The home folder: maru.conf, hub.db, plants/. A process that serves or changes it holds its lock;
 * a second one is refused in words. Owned by app; borrowed by serve.
 */
#include "plant/plant.h"

enum { HOME_PLANTS_MAX = 64 };

struct home;

/* A file with something in it, or a folder. An empty database is one that was cut off. */
bool home_part_present(const char *path);

struct home_options {
    const char *dir;
    const struct clock *clock; // NULL: the system's.
    struct files *files;       // NULL: the system's.
    bool collect;              // Start device links.
    bool exclusive;            // Take the lock (all but tests do).
};

/* Creates HOME (0700) with one plant. ERR_EXISTS when it is a home already. */
int home_create(
    const char *dir, struct str plant_id, struct str display, struct str zone, struct err *err);
/* ERR_NOT_FOUND: no home there (says how to make one); ERR_LOCKED: in use by another process. */
int home_open(const struct home_options *options, struct home **ret_home, struct err *err);
void home_close(struct home *home);
const char *home_dir(const struct home *home);
struct ledger *home_hub(struct home *home);
uint32_t home_plant_count(const struct home *home);
struct plant *home_plant_at(struct home *home, uint32_t index);
/* By id; the empty id means the only plant. ERR_NOT_FOUND, ERR_USAGE (more than one) with words. */
int home_plant(struct home *home, struct str id, struct plant **ret_plant, struct err *err);

/* The key under which second factors are stored in the hub: HOME/keys/second.factor.key. `create`
 * makes it where there is none (on the hub's writer, so that it is made once); else ERR_NOT_FOUND.
 * A dot is in no plant's id, so that no plant's key has that name. */
enum { HOME_KEY_BYTES = 32 };
int home_second_key(
    struct home *home, bool create, uint8_t ret_key[HOME_KEY_BYTES], struct err *err);

/* The same for the mail server's password: HOME/keys/mail.password.key. */
int home_notice_key(
    struct home *home, bool create, uint8_t ret_key[HOME_KEY_BYTES], struct err *err);

#endif

/*
 * The files behind the served certificate, and when they are made anew.
 *
 * HOME/keys/tls-ca.pem holds the authority with its key, tls.pem the leaf, the authority's
 * certificate and the leaf's key. One file each, written under another name, synced and renamed, so
 * that a kill never leaves a certificate without its key. A file of ours that cannot be read is set
 * aside with the ending .damaged and made anew: collecting must not wait for a certificate.
 *
 * A computer without a battery for its clock starts in 1970. What is made then must hold when the
 * clock is right, so no certificate begins before this program was written.
 *
 * Certificates that were served before stay in memory for as long as handshakes may look at them
 * (GnuTLS releases nothing that a callback gave it): the newest TLS_PAIRS_KEPT.
 */
#include "upkeep/tls.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/thread.h"
#include "upkeep/certificate.h"

enum {
    AUTHORITY_DAYS = 3652,
    LEAF_DAYS = 397,
    RENEW_DAYS = 30,
    BACK_DAYS = 1, // Begins so long before now: clocks of phones are behind.
};
static const int64_t DAY_NS = 86400 * NS_PER_S;
static const int64_t EARLIEST_NS = 1767225600 * NS_PER_S; // 2026-01-01

/* What tells that a file changed. */
struct stamp {
    int64_t modified_ns;
    int64_t size;
    int64_t inode;
};

struct tls_store {
    struct tls_options options;
    char certificate_path[LIMIT_PATH_BYTES];
    char key_path[LIMIT_PATH_BYTES];
    char authority_path[LIMIT_PATH_BYTES];
    struct stamp certificate_stamp; // Of what was looked at last. Main thread, as the next two.
    struct stamp key_stamp;
    bool failed;
    struct mutex mutex; // Of what follows.
    struct certificate_pair *pairs[TLS_PAIRS_KEPT];
    uint32_t present;
    struct tls_facts facts;
};

/* ---- Files ---- */

static struct stamp stamp_of(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return (struct stamp){.size = -1};
    }
    return (struct stamp){
        .modified_ns = (int64_t)info.st_mtim.tv_sec * NS_PER_S + info.st_mtim.tv_nsec,
        .size = info.st_size,
        .inode = (int64_t)info.st_ino};
}

static bool stamp_eq(struct stamp a, struct stamp b) {
    return a.modified_ns == b.modified_ns && a.size == b.size && a.inode == b.inode;
}

static int read_pem(const char *path, struct buf *to, struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    if (status < 0) {
        return status;
    }
    uint8_t *room = size < CERTIFICATE_PEM_MAX ? buf_reserve(to, (size_t)size + 1) : NULL;
    if (room == NULL) {
        return err_set(err, ERR_LIMIT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR(path)));
    }
    status = file_read_at(fd, path, 0, room, (size_t)size, err);
    if (status >= 0) {
        buf_commit(to, (size_t)size);
    }
    return status;
}

static int write_pem(
    const struct tls_store *store, const char *path, struct str text, struct err *err) {
    char fresh[LIMIT_PATH_BYTES + 8];
    char dir[LIMIT_PATH_BYTES];
    struct buf name; // Bounded by the store's paths.
    buf_init(&name, sizeof fresh);
    buf_printf(&name, "%s.new", path);
    (void)str_copy_z(buf_str(&name), fresh, sizeof fresh);
    buf_clear(&name);
    buf_printf(&name, "%s/keys", store->options.home_dir);
    (void)str_copy_z(buf_str(&name), dir, sizeof dir);
    buf_fini(&name);
    struct files *files = files_system();
    AUTO_CLOSE int fd = -1;
    int status = dir_create(files, dir, err);
    status = status < 0 ? status : file_remove(files, fresh, err);
    status = status < 0 ? status : file_open(files, fresh, FILE_CREATE_NEW, &fd, err);
    status = status < 0 ? status : file_write_at(files, fd, fresh, 0, text.data, text.size, err);
    status = status < 0 ? status : file_sync(files, fd, fresh, err);
    status = status < 0 ? status : file_rename(files, fresh, path, err);
    return status < 0 ? status : dir_sync(files, dir, err);
}

static void set_aside(const char *path, const struct err *why) {
    char aside[LIMIT_PATH_BYTES + 16];
    struct buf name;
    buf_init(&name, sizeof aside);
    buf_printf(&name, "%s.damaged", path);
    (void)str_copy_z(buf_str(&name), aside, sizeof aside);
    buf_fini(&name);
    struct err err = ERR_INIT;
    log_event(LOG_WARN, "tls", "set_aside", LOG_FIELDS({"file", A_CSTR(path)}), why);
    if (file_exists(path) && file_rename(files_system(), path, aside, &err) < 0) {
        log_event(LOG_WARN, "tls", "not_set_aside", LOG_FIELDS({"file", A_CSTR(path)}), &err);
    }
}

/* ---- What this computer is called ---- */

static void add_name(struct tls_names *names, const char *name) {
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        bool good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
                    (name[i] >= '0' && name[i] <= '9') || strchr("-._:", name[i]) != NULL;
        if (!good) {
            return; // Such a name stands in no certificate (RFC 5280 section 4.2.1.6).
        }
    }
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return;
        }
    }
    if (size > 0 && size < TLS_NAME_BYTES && names->count < TLS_NAMES_MAX) {
        (void)str_copy_z(str_of(name), names->items[names->count++], TLS_NAME_BYTES);
    }
}

static void add_address(struct tls_names *names, const struct sockaddr *from) {
    char text[INET6_ADDRSTRLEN];
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        if (inet_ntop(AF_INET, &in.sin_addr, text, sizeof text) != NULL) {
            add_name(names, text);
        }
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        // Link-local addresses need a zone and cannot stand in a browser's address bar.
        if (!IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) &&
            inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text) != NULL) {
            add_name(names, text);
        }
    }
}

static void system_names(struct tls_names *names) {
    char host[TLS_NAME_BYTES] = "";
    if (gethostname(host, sizeof host - 1) == 0) {
        add_name(names, host);
    }
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        return;
    }
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr != NULL && (one->ifa_flags & IFF_UP) != 0) {
            add_address(names, one->ifa_addr);
        }
    }
    freeifaddrs(all);
}

static void all_names(const struct tls_store *store, struct tls_names *names) {
    *names = (struct tls_names){.count = 0};
    add_name(names, "localhost");
    add_name(names, "127.0.0.1");
    add_name(names, "::1");
    if (store->options.host_name != NULL) {
        add_name(names, store->options.host_name);
    }
    (store->options.names != NULL ? store->options.names : system_names)(names);
}

/* ---- Its own authority and leaf ---- */

static int64_t now_ns(const struct tls_store *store) {
    int64_t now = clock_wall_ns(store->options.clock);
    return now < EARLIEST_NS ? EARLIEST_NS : now;
}

static int make_authority(
    struct tls_store *store, const struct tls_names *names, struct buf *to, struct err *err) {
    char host[64] = "Maru";
    (void)gethostname(host, sizeof host - 1); // Else it is called after the program.
    char name[64 + 16];
    struct buf text;
    buf_init(&text, sizeof name);
    buf_printf(&text, "Maru CA %s", host);
    (void)str_copy_z(buf_str(&text), name, sizeof name);
    buf_fini(&text);
    int64_t now = now_ns(store);
    struct certificate_wish wish = {.common_name = name,
        .begin_ns = now - BACK_DAYS * DAY_NS,
        .end_ns = now + AUTHORITY_DAYS * DAY_NS,
        .names = names};
    int status = certificate_make_authority(&wish, to, err);
    return status < 0 ? status : write_pem(store, store->authority_path, buf_str(to), err);
}

/* The authority that is there, or a new one. A host_name that an operator set and that the one
 * there may not sign for is a reason for a new one, at the start. */
static int have_authority(
    struct tls_store *store, const struct tls_names *names, struct buf *pem, struct err *err) {
    struct certificate_facts facts;
    struct err why = ERR_INIT;
    int status = read_pem(store->authority_path, pem, &why);
    if (status >= 0) {
        status = certificate_read(buf_str(pem), store->authority_path, &facts, &why);
    }
    if (status >= 0 && facts.end_ns - now_ns(store) > RENEW_DAYS * DAY_NS) {
        bool told = store->facts.loads == 0 && store->options.host_name != NULL;
        if (!told || certificate_permits(buf_str(pem), store->options.host_name)) {
            return 0;
        }
        log_event(LOG_WARN, "tls", "authority_for_new_host_name", NULL, NULL);
    }
    if (status < 0 && status != -ERR_NOT_FOUND) {
        set_aside(store->authority_path, &why);
    }
    buf_clear(pem);
    return make_authority(store, names, pem, err);
}

/* Leaves out what the authority may not sign for: a name that this computer got later. One that
 * every device would have to trust anew must not come about by itself. */
static void keep_permitted(struct str authority, struct tls_names *names) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        if (certificate_permits(authority, names->items[i])) {
            memmove(names->items[kept++], names->items[i], TLS_NAME_BYTES);
        }
    }
    names->count = kept;
}

static bool leaf_is_good(const struct tls_store *store, struct str leaf, struct str authority,
    const struct tls_names *names) {
    struct certificate_facts facts;
    if (certificate_read(leaf, store->certificate_path, &facts, NULL) < 0 ||
        facts.end_ns - now_ns(store) < RENEW_DAYS * DAY_NS || facts.begin_ns > now_ns(store) ||
        !certificate_signed_by(leaf, authority)) {
        return false;
    }
    for (uint32_t i = 0; i < names->count; i++) {
        if (!certificate_covers(leaf, names->items[i])) {
            return false;
        }
    }
    struct certificate_pair *pair = NULL;
    struct certificate_files files = {leaf, leaf, store->certificate_path, store->key_path};
    bool whole = certificate_pair_new(&files, &pair, NULL) >= 0;
    certificate_pair_free(whole ? pair : NULL);
    return whole;
}

/* Makes what is missing, ends soon or misses a name. */
static int make_own(struct tls_store *store, struct err *err) {
    AUTO_BUF struct buf authority;
    AUTO_BUF struct buf leaf;
    buf_init(&authority, CERTIFICATE_PEM_MAX);
    buf_init(&leaf, CERTIFICATE_PEM_MAX);
    AUTO_FREE struct tls_names *names = MEM_NEW(struct tls_names);
    all_names(store, names);
    int status = have_authority(store, names, &authority, err);
    if (status < 0) {
        return status;
    }
    uint32_t count = names->count;
    keep_permitted(buf_str(&authority), names);
    count -= names->count;
    struct err absent = ERR_INIT;
    if (read_pem(store->certificate_path, &leaf, &absent) >= 0 &&
        leaf_is_good(store, buf_str(&leaf), buf_str(&authority), names)) {
        return 0;
    }
    buf_clear(&leaf);
    struct certificate_facts above;
    status = certificate_read(buf_str(&authority), store->authority_path, &above, err);
    if (status < 0) {
        return status;
    }
    int64_t begin = now_ns(store) - BACK_DAYS * DAY_NS;
    int64_t end = begin + LEAF_DAYS * DAY_NS;
    struct certificate_wish wish = {.common_name = "Maru",
        .begin_ns = begin,
        .end_ns = end < above.end_ns ? end : above.end_ns,
        .names = names};
    status = certificate_make_leaf(&wish, buf_str(&authority), &leaf, err);
    status = status < 0 ? status : write_pem(store, store->certificate_path, buf_str(&leaf), err);
    if (status >= 0) {
        log_event(LOG_INFO, "tls", "certificate_made",
            LOG_FIELDS({"names", A_INT(names->count)}, {"left_out", A_INT(count)}), NULL);
    }
    return status;
}

/* ---- What is served ---- */

static void serve_pair(struct tls_store *store, struct certificate_pair *pair,
    const struct certificate_facts *read, int64_t authority_end_ns) {
    mutex_lock(&store->mutex);
    bool first = store->facts.loads == 0;
    store->present = first ? 0 : (store->present + 1) % TLS_PAIRS_KEPT;
    struct certificate_pair *old = store->pairs[store->present];
    store->pairs[store->present] = pair;
    struct tls_facts *facts = &store->facts;
    facts->loads++;
    facts->end_ns = read->end_ns;
    facts->authority_end_ns = authority_end_ns;
    memcpy(facts->fingerprint, read->fingerprint, sizeof facts->fingerprint);
    if (facts->own) {
        memcpy(facts->authority, read->authority, sizeof facts->authority);
    }
    facts->trouble = ERR_INIT;
    mutex_unlock(&store->mutex);
    certificate_pair_free(old);
}

static int load(struct tls_store *store, struct err *err) {
    AUTO_BUF struct buf certificate;
    AUTO_BUF struct buf key;
    AUTO_BUF struct buf authority;
    buf_init(&certificate, CERTIFICATE_PEM_MAX);
    buf_init(&key, CERTIFICATE_PEM_MAX);
    buf_init(&authority, CERTIFICATE_PEM_MAX);
    struct certificate_facts facts;
    struct certificate_facts above = {.end_ns = 0};
    struct certificate_pair *pair = NULL;
    int status = read_pem(store->certificate_path, &certificate, err);
    status = status < 0 ? status : read_pem(store->key_path, &key, err);
    struct certificate_files files = {
        buf_str(&certificate), buf_str(&key), store->certificate_path, store->key_path};
    status = status < 0 ? status
                        : certificate_read(files.certificate, store->certificate_path, &facts, err);
    if (status >= 0 && store->facts.own) {
        status = read_pem(store->authority_path, &authority, err);
        status = status < 0
                     ? status
                     : certificate_read(buf_str(&authority), store->authority_path, &above, err);
    }
    status = status < 0 ? status : certificate_pair_new(&files, &pair, err);
    if (status < 0) {
        return status;
    }
    serve_pair(store, pair, &facts, above.end_ns);
    return 0;
}

static void tell_trouble(struct tls_store *store, const struct err *err) {
    mutex_lock(&store->mutex);
    store->facts.trouble = *err;
    mutex_unlock(&store->mutex);
    if (!store->failed) {
        log_event(LOG_WARN, "tls", "certificate_kept", NULL, err);
    }
    store->failed = true;
}

void tls_store_look(struct tls_store *store) {
    if (store == NULL) {
        return;
    }
    struct err err = ERR_INIT;
    if (store->facts.own && make_own(store, &err) < 0) {
        tell_trouble(store, &err);
        return;
    }
    struct stamp certificate = stamp_of(store->certificate_path);
    struct stamp key = stamp_of(store->key_path);
    bool changed =
        !stamp_eq(certificate, store->certificate_stamp) || !stamp_eq(key, store->key_stamp);
    if (!changed && !store->failed) {
        return;
    }
    store->certificate_stamp = certificate;
    store->key_stamp = key;
    store->failed = store->failed && !changed; // Each new file that is bad is told once.
    if (load(store, &err) < 0) {
        tell_trouble(store, &err);
        return;
    }
    store->failed = false;
    log_event(LOG_INFO, "tls", "certificate_served",
        LOG_FIELDS({"sha256", A_CSTR(store->facts.fingerprint)}), NULL);
}

/* ---- Open and close ---- */

static bool set_path(char to[LIMIT_PATH_BYTES], const char *dir, const char *name) {
    struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES - 16); // Room for the endings of fresh files.
    buf_printf(&path, "%s%s", dir, name);
    bool good = !path.overflow;
    (void)str_copy_z(buf_str(&path), to, LIMIT_PATH_BYTES);
    buf_fini(&path);
    return good;
}

static bool set_paths(struct tls_store *store) {
    const struct tls_options *options = &store->options;
    if (!store->facts.own) {
        return set_path(store->certificate_path, options->certificate_file, "") &&
               set_path(store->key_path, options->key_file, "");
    }
    return set_path(store->certificate_path, options->home_dir, "/keys/tls.pem") &&
           set_path(store->key_path, options->home_dir, "/keys/tls.pem") &&
           set_path(store->authority_path, options->home_dir, "/keys/tls-ca.pem");
}

int tls_store_open(
    const struct tls_options *options, struct tls_store **ret_store, struct err *err) {
    struct tls_store *store = MEM_NEW(struct tls_store);
    store->options = *options;
    store->options.clock = options->clock != NULL ? options->clock : clock_system();
    store->facts.own = options->certificate_file == NULL;
    mutex_init(&store->mutex);
    int status = set_paths(store) ? 0
                                  : err_set(err, ERR_LIMIT, MSG_PLANT_PATH_LONG,
                                        ARGS(A_CSTR(store->certificate_path)));
    status = status < 0 || !store->facts.own ? status : make_own(store, err);
    if (status >= 0) {
        store->certificate_stamp = stamp_of(store->certificate_path);
        store->key_stamp = stamp_of(store->key_path);
        status = load(store, err);
    }
    if (status < 0) {
        tls_store_close(store);
        return status;
    }
    *ret_store = store;
    return 0;
}

void tls_store_close(struct tls_store *store) {
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < TLS_PAIRS_KEPT; i++) {
        certificate_pair_free(store->pairs[i]);
    }
    mutex_fini(&store->mutex);
    mem_free(store);
}

void tls_store_facts(struct tls_store *store, struct tls_facts *ret_facts) {
    mutex_lock(&store->mutex);
    *ret_facts = store->facts;
    mutex_unlock(&store->mutex);
}

int tls_store_authority(struct tls_store *store, struct buf *to, struct err *err) {
    if (!store->facts.own) { // Constant.
        return err_set(err, ERR_NOT_FOUND, MSG_TLS_NO_AUTHORITY, NO_ARGS);
    }
    AUTO_BUF struct buf pem;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    int status = read_pem(store->authority_path, &pem, err);
    return status < 0 ? status : certificate_last(buf_str(&pem), to, err);
}

void tls_store_lend(struct tls_store *store, void *ret_chain, unsigned *ret_count, void *ret_key) {
    mutex_lock(&store->mutex);
    certificate_pair_lend(store->pairs[store->present], ret_chain, ret_count, ret_key);
    mutex_unlock(&store->mutex);
}

int tls_authority_pick(struct str pem, const char *fingerprint, struct buf *to, struct err *err) {
    struct certificate_facts facts;
    int status = certificate_read(pem, "PEM", &facts, err);
    if (status >= 0 && strcmp(facts.authority, fingerprint) != 0) {
        return err_set(err, ERR_FORBIDDEN, MSG_TLS_OTHER_AUTHORITY,
            ARGS(A_CSTR(facts.authority), A_CSTR(fingerprint)));
    }
    return status < 0 ? status : certificate_last(pem, to, err);
}

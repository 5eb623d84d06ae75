#ifndef UPKEEP_TLS_H
#define UPKEEP_TLS_H
/*
 * The certificate that this Maru serves HTTPS with: from files that the operator names, or its own.
 *
 * Its own is made at the first start that needs one: an authority for ten years, which people trust
 * once, and under it a leaf for 397 days that names the computer's addresses, its host name and
 * localhost. The leaf is made anew 30 days before its end and when the computer has an address
 * that it does not name; nobody has to trust anything again then. Both stand in HOME/keys (0600).
 *
 * tls_store_look notices changed files and what is due; it is called by the main thread every few
 * seconds and on SIGHUP. What cannot be read leaves the certificate that is being served in place.
 * Connections keep what they began with. Owned by app; facts and handshakes: any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/limits.h"

enum {
    TLS_FINGERPRINT_MAX = 96, // 32 bytes in hex with colons.
    TLS_NAMES_MAX = 40,       // Addresses beyond are left out.
    TLS_NAME_BYTES = 256,
};

struct tls_store;

/* Addresses in text and host names. */
struct tls_names {
    uint32_t count;
    char items[TLS_NAMES_MAX][TLS_NAME_BYTES];
};

struct tls_options {
    const char *home_dir;
    const char *certificate_file; // Both or none; NULL: its own.
    const char *key_file;
    const char *host_name;     // One more name for its own; NULL: none.
    const struct clock *clock; // NULL: the system's.
    /* What the computer is called and which addresses it has; NULL: asks the system. */
    void (*names)(struct tls_names *ret_names);
};

/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_CONFLICT for files that cannot be served. */
int tls_store_open(
    const struct tls_options *options, struct tls_store **ret_store, struct err *err);
void tls_store_close(struct tls_store *store); // After the server; NULL is fine.
void tls_store_look(struct tls_store *store);

struct tls_facts {
    bool own;
    char fingerprint[TLS_FINGERPRINT_MAX]; // Of the leaf.
    char authority[TLS_FINGERPRINT_MAX];   // Of its own authority; empty with files.
    int64_t end_ns;                        // Of what is served.
    int64_t authority_end_ns;              // 0 with files.
    uint32_t loads;                        // Certificates served since the start.
    struct err trouble;                    // Why the newest files are not in use; ERR_OK: none.
};
void tls_store_facts(struct tls_store *store, struct tls_facts *ret_facts);
/* Appends the authority's certificate as PEM. ERR_NOT_FOUND: files are served. */
int tls_store_authority(struct tls_store *store, struct buf *to, struct err *err);

/* Appends the last certificate of a text as PEM, alone, when its SHA-256 is this one: what somebody
 * sent is trusted for the fingerprint that came another way. ERR_CORRUPT, ERR_FORBIDDEN. */
int tls_authority_pick(struct str pem, const char *fingerprint, struct buf *to, struct err *err);

/* For the server's handshakes: chain and key as GnuTLS wants them (gnutls_pcert_st **, unsigned *,
 * gnutls_privkey_t *). They stay valid while the next TLS_PAIRS_KEPT certificates are served. */
enum { TLS_PAIRS_KEPT = 64 };
void tls_store_lend(struct tls_store *store, void *ret_chain, unsigned *ret_count, void *ret_key);
/* What the server's library set as the session's pointer. */
void *tls_session_pointer(void *session);

#endif

#ifndef UPKEEP_CERTIFICATE_H
#define UPKEEP_CERTIFICATE_H
/*
 * X.509 certificates (RFC 5280): reading, making, and holding one with its key for a TLS server.
 * Only certificate.c knows the library. PEM texts in and out; plain values; any thread, but a pair
 * that is in use by handshakes must not be freed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "upkeep/tls.h"

enum {
    CERTIFICATE_PEM_MAX = 256 * 1024, // Of one file: a chain with its key.
    CERTIFICATE_CHAIN_MAX = 16,
};

struct certificate_facts {
    int64_t begin_ns;
    int64_t end_ns;                        // Of the first of the chain to end.
    char fingerprint[TLS_FINGERPRINT_MAX]; // Of the first: SHA-256, "AB:CD:...".
    char authority[TLS_FINGERPRINT_MAX];   // Of the last of the chain.
};
/* ERR_CORRUPT: there is no certificate in the text; words name `path`. */
int certificate_read(
    struct str pem, const char *path, struct certificate_facts *ret_facts, struct err *err);
/* Whether the first certificate is good for a name, or an address in text. */
bool certificate_covers(struct str pem, const char *name);
/* Whether the first certificate of one text was signed by that of the other. */
bool certificate_signed_by(struct str pem, struct str authority_pem);

/* A new authority: ECDSA P-256, for `days`; certificate and key are appended to `to`. */
struct certificate_wish {
    const char *common_name;
    int64_t begin_ns;
    int64_t end_ns;
    const struct tls_names *names; // Of a leaf; of an authority: permitted besides private ones.
};
/* It may sign for this computer and for names and addresses that are nobody's in the world: a
 * critical name constraint (RFC 5280 section 4.2.1.10), so that a stolen authority is of no use
 * against the sites its devices visit. */
int certificate_make_authority(
    const struct certificate_wish *wish, struct buf *to, struct err *err);
/* A leaf for a server, signed by the authority; its certificate, that of the authority and the
 * leaf's key are appended. */
int certificate_make_leaf(
    const struct certificate_wish *wish, struct str authority_pem, struct buf *to, struct err *err);
/* Whether the authority may sign for a name, or an address in text. */
bool certificate_permits(struct str authority_pem, const char *name);
/* The last certificate of a text alone, as PEM: what others are to trust. */
int certificate_last(struct str pem, struct buf *to, struct err *err);

/* A chain with its key, ready for handshakes. ERR_CORRUPT: unreadable; ERR_CONFLICT: the key is of
 * another certificate. Paths are for words. */
struct certificate_pair;
struct certificate_files {
    struct str certificate;
    struct str key;
    const char *certificate_path;
    const char *key_path;
};
int certificate_pair_new(
    const struct certificate_files *files, struct certificate_pair **ret_pair, struct err *err);
void certificate_pair_free(struct certificate_pair *pair); // NULL is fine.
/* As GnuTLS wants them; the pointers stay with the pair. */
void certificate_pair_lend(
    struct certificate_pair *pair, void *ret_chain, unsigned *ret_count, void *ret_key);

#endif

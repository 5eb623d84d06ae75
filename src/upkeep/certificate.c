/*
 * Certificates by GnuTLS, which serves them (through libmicrohttpd): the one file that includes its
 * headers.
 *
 * What Maru makes itself follows RFC 5280 and the rules of browsers: ECDSA on P-256 with SHA-256;
 * the authority says CA:TRUE with a path of length 0 and may sign certificates only, and those for
 * this computer, .local and private addresses alone (section 4.2.1.10); the leaf
 * serves TLS only, has its names as subject alternative names (addresses as iPAddress, RFC 5280
 * section 4.2.1.6), and lives at most 398 days, beyond which browsers refuse it. Serial numbers are
 * 16 random bytes with the first bit off (section 4.1.2.2: positive, at most 20 bytes).
 */
#include "upkeep/certificate.h"

#include <arpa/inet.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "core/clock.h"
#include "core/mem.h"

enum { SERIAL_BYTES = 16, SHA256_BYTES = 32, KEY_ID_BYTES = 64 };

struct certificate_pair {
    gnutls_pcert_st chain[CERTIFICATE_CHAIN_MAX];
    unsigned int count;
    gnutls_privkey_t key;
};

/* ---- Handles that go with their scope ---- */

static void crt_end(gnutls_x509_crt_t *crt) {
    if (*crt != NULL) {
        gnutls_x509_crt_deinit(*crt);
    }
}

static void key_end(gnutls_x509_privkey_t *key) {
    if (*key != NULL) {
        gnutls_x509_privkey_deinit(*key);
    }
}

static void constraints_end(gnutls_x509_name_constraints_t *constraints) {
    if (*constraints != NULL) {
        gnutls_x509_name_constraints_deinit(*constraints);
    }
}

static void pubkey_end(gnutls_pubkey_t *key) {
    if (*key != NULL) {
        gnutls_pubkey_deinit(*key);
    }
}
#define AUTO_CRT    __attribute__((cleanup(crt_end)))
#define AUTO_KEY    __attribute__((cleanup(key_end)))
#define AUTO_PUBKEY __attribute__((cleanup(pubkey_end)))
#define AUTO_RULES  __attribute__((cleanup(constraints_end)))

static int failed(int code, struct err *err) {
    return err_set(err, ERR_INTERNAL, MSG_TLS_LIBRARY, ARGS(A_CSTR(gnutls_strerror(code))));
}

/* The library's type is not const; it only reads. */
static gnutls_datum_t datum(struct str text) {
    union {
        const char *in;
        unsigned char *out;
    } data = {.in = text.data};
    return (gnutls_datum_t){.data = data.out, .size = (unsigned int)text.size};
}

/* ---- Reading ---- */

struct chain {
    gnutls_x509_crt_t items[CERTIFICATE_CHAIN_MAX];
    unsigned int count;
};

static void chain_end(struct chain *chain) {
    for (unsigned int i = 0; i < chain->count; i++) {
        gnutls_x509_crt_deinit(chain->items[i]);
    }
}
#define AUTO_CHAIN __attribute__((cleanup(chain_end)))

static bool chain_read(struct str pem, struct chain *chain) {
    gnutls_datum_t data = datum(pem);
    unsigned int count = CERTIFICATE_CHAIN_MAX;
    if (pem.size > CERTIFICATE_PEM_MAX ||
        gnutls_x509_crt_list_import(chain->items, &count, &data, GNUTLS_X509_FMT_PEM, 0) < 1) {
        return false;
    }
    chain->count = count;
    return true;
}

static void fingerprint_of(gnutls_x509_crt_t crt, char to[TLS_FINGERPRINT_MAX]) {
    static const char DIGITS[] = "0123456789ABCDEF";
    uint8_t hash[SHA256_BYTES];
    size_t size = sizeof hash;
    to[0] = '\0';
    if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, hash, &size) < 0) {
        return;
    }
    for (size_t i = 0; i < sizeof hash; i++) {
        to[3 * i] = DIGITS[hash[i] >> 4];
        to[3 * i + 1] = DIGITS[hash[i] & 15];
        to[3 * i + 2] = i + 1 < sizeof hash ? ':' : '\0';
    }
}

int certificate_read(
    struct str pem, const char *path, struct certificate_facts *ret_facts, struct err *err) {
    AUTO_CHAIN struct chain chain = {.count = 0};
    if (!chain_read(pem, &chain)) {
        return err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR(path)));
    }
    struct certificate_facts facts = {.end_ns = INT64_MAX};
    facts.begin_ns = (int64_t)gnutls_x509_crt_get_activation_time(chain.items[0]) * NS_PER_S;
    for (unsigned int i = 0; i < chain.count; i++) {
        time_t end = gnutls_x509_crt_get_expiration_time(chain.items[i]);
        int64_t at = end == (time_t)-1 ? INT64_MAX : (int64_t)end * NS_PER_S;
        facts.end_ns = at < facts.end_ns ? at : facts.end_ns;
    }
    fingerprint_of(chain.items[0], facts.fingerprint);
    fingerprint_of(chain.items[chain.count - 1], facts.authority);
    *ret_facts = facts;
    return 0;
}

bool certificate_covers(struct str pem, const char *name) {
    AUTO_CHAIN struct chain chain = {.count = 0};
    return chain_read(pem, &chain) && gnutls_x509_crt_check_hostname(chain.items[0], name) != 0;
}

bool certificate_signed_by(struct str pem, struct str authority_pem) {
    AUTO_CHAIN struct chain chain = {.count = 0};
    AUTO_CHAIN struct chain authority = {.count = 0};
    if (!chain_read(pem, &chain) || !chain_read(authority_pem, &authority)) {
        return false;
    }
    unsigned int faults = 0;
    int rc = gnutls_x509_crt_verify(
        chain.items[0], authority.items, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &faults);
    return rc >= 0 && faults == 0;
}

static int put_pem(gnutls_x509_crt_t crt, struct buf *to, struct err *err) {
    gnutls_datum_t out = {.data = NULL};
    int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out);
    if (rc < 0) {
        return failed(rc, err);
    }
    buf_put(to, out.data, out.size);
    gnutls_free(out.data);
    return 0;
}

int certificate_last(struct str pem, struct buf *to, struct err *err) {
    AUTO_CHAIN struct chain chain = {.count = 0};
    if (!chain_read(pem, &chain)) {
        return err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR("PEM")));
    }
    return put_pem(chain.items[chain.count - 1], to, err);
}

/* ---- Making ---- */

static int put_key(gnutls_x509_privkey_t key, struct buf *to, struct err *err) {
    gnutls_datum_t out = {.data = NULL};
    int rc =
        gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out);
    if (rc < 0) {
        return failed(rc, err);
    }
    buf_put(to, out.data, out.size);
    gnutls_memset(out.data, 0, out.size);
    gnutls_free(out.data);
    return 0;
}

static int new_key(gnutls_x509_privkey_t *ret_key) {
    int rc = gnutls_x509_privkey_init(ret_key);
    return rc < 0 ? rc
                  : gnutls_x509_privkey_generate(*ret_key, GNUTLS_PK_ECDSA,
                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

/* What authority and leaf have in common: version, serial, name, times, key and its id. */
static int begin_crt(
    gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct certificate_wish *wish) {
    uint8_t serial[SERIAL_BYTES];
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7F) | 0x40); // Positive and never with a leading zero.
    uint8_t id[KEY_ID_BYTES];
    size_t id_size = sizeof id;
    size_t name_size = strlen(wish->common_name);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_version(crt, 3);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    rc = rc < 0
             ? rc
             : gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, "Maru", 4);
    rc = rc < 0 ? rc
                : gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
                      wish->common_name, (unsigned int)(name_size < 64 ? name_size : 64));
    rc =
        rc < 0 ? rc : gnutls_x509_crt_set_activation_time(crt, (time_t)(wish->begin_ns / NS_PER_S));
    rc = rc < 0 ? rc : gnutls_x509_crt_set_expiration_time(crt, (time_t)(wish->end_ns / NS_PER_S));
    rc = rc < 0 ? rc : gnutls_x509_crt_set_key(crt, key);
    rc = rc < 0 ? rc : gnutls_x509_crt_get_key_id(crt, 0, id, &id_size);
    return rc < 0 ? rc : gnutls_x509_crt_set_subject_key_id(crt, id, id_size);
}

/* Networks that lead to nobody in the world: loopback, private (RFC 1918), shared (RFC 6598),
 * link-local (RFC 3927), and those of IPv6 (RFC 4291, RFC 4193). */
static const char *const PRIVATE_NETWORKS[] = {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
    "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"};
/* Names likewise: RFC 6761 section 6.3, RFC 6762 section 3. */
static const char *const PRIVATE_NAMES[] = {"localhost", "local"};

static int permit_network(gnutls_x509_name_constraints_t rules, const char *cidr) {
    gnutls_datum_t network = {.data = NULL};
    int rc = gnutls_x509_cidr_to_rfc5280(cidr, &network);
    if (rc >= 0) {
        rc = gnutls_x509_name_constraints_add_permitted(rules, GNUTLS_SAN_IPADDRESS, &network);
        gnutls_free(network.data);
    }
    return rc;
}

static int permit_name(gnutls_x509_name_constraints_t rules, const char *name) {
    uint8_t address[16];
    char cidr[TLS_NAME_BYTES + 8];
    bool v4 = inet_pton(AF_INET, name, address) == 1;
    if (v4 || inet_pton(AF_INET6, name, address) == 1) {
        struct buf text;
        buf_init(&text, sizeof cidr);
        buf_printf(&text, "%s/%d", name, v4 ? 32 : 128);
        (void)str_copy_z(buf_str(&text), cidr, sizeof cidr);
        buf_fini(&text);
        return permit_network(rules, cidr);
    }
    gnutls_datum_t data = datum(str_of(name));
    return gnutls_x509_name_constraints_add_permitted(rules, GNUTLS_SAN_DNSNAME, &data);
}

static bool permits(gnutls_x509_name_constraints_t rules, const char *name) {
    uint8_t address[16];
    bool v4 = inet_pton(AF_INET, name, address) == 1;
    if (v4 || inet_pton(AF_INET6, name, address) == 1) {
        gnutls_datum_t data = {.data = address, .size = v4 ? 4 : 16};
        return gnutls_x509_name_constraints_check(rules, GNUTLS_SAN_IPADDRESS, &data) != 0;
    }
    gnutls_datum_t data = datum(str_of(name));
    return gnutls_x509_name_constraints_check(rules, GNUTLS_SAN_DNSNAME, &data) != 0;
}

static int put_constraints(gnutls_x509_crt_t crt, const struct tls_names *names) {
    AUTO_RULES gnutls_x509_name_constraints_t rules = NULL;
    int rc = gnutls_x509_name_constraints_init(&rules);
    for (size_t i = 0; rc >= 0 && i < sizeof PRIVATE_NETWORKS / sizeof PRIVATE_NETWORKS[0]; i++) {
        rc = permit_network(rules, PRIVATE_NETWORKS[i]);
    }
    for (size_t i = 0; rc >= 0 && i < sizeof PRIVATE_NAMES / sizeof PRIVATE_NAMES[0]; i++) {
        rc = permit_name(rules, PRIVATE_NAMES[i]);
    }
    for (uint32_t i = 0; rc >= 0 && names != NULL && i < names->count; i++) {
        rc = permits(rules, names->items[i]) ? 0 : permit_name(rules, names->items[i]);
    }
    return rc < 0 ? rc : gnutls_x509_crt_set_name_constraints(crt, rules, 1);
}

bool certificate_permits(struct str authority_pem, const char *name) {
    AUTO_CHAIN struct chain authority = {.count = 0};
    AUTO_RULES gnutls_x509_name_constraints_t rules = NULL;
    unsigned int critical = 0;
    if (!chain_read(authority_pem, &authority) || gnutls_x509_name_constraints_init(&rules) < 0) {
        return false;
    }
    int rc = gnutls_x509_crt_get_name_constraints(authority.items[0], rules, 0, &critical);
    return rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE || (rc >= 0 && permits(rules, name));
}

int certificate_make_authority(
    const struct certificate_wish *wish, struct buf *to, struct err *err) {
    AUTO_CRT gnutls_x509_crt_t crt = NULL;
    AUTO_KEY gnutls_x509_privkey_t key = NULL;
    int rc = new_key(&key);
    rc = rc < 0 ? rc : gnutls_x509_crt_init(&crt);
    rc = rc < 0 ? rc : begin_crt(crt, key, wish);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
    rc = rc < 0 ? rc : put_constraints(crt, wish->names);
    rc = rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    if (rc < 0) {
        return failed(rc, err);
    }
    int status = put_pem(crt, to, err);
    return status < 0 ? status : put_key(key, to, err);
}

static int put_name(gnutls_x509_crt_t crt, const char *name) {
    uint8_t address[16];
    if (inet_pton(AF_INET, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(
            crt, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        return gnutls_x509_crt_set_subject_alt_name(
            crt, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
    }
    return gnutls_x509_crt_set_subject_alt_name(
        crt, GNUTLS_SAN_DNSNAME, name, (unsigned int)strlen(name), GNUTLS_FSAN_APPEND);
}

static int fill_leaf(
    gnutls_x509_crt_t crt, gnutls_x509_crt_t authority, const struct certificate_wish *wish) {
    uint8_t id[KEY_ID_BYTES];
    size_t id_size = sizeof id;
    int rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
    rc = rc < 0 ? rc : gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    for (uint32_t i = 0; rc >= 0 && i < wish->names->count; i++) {
        rc = put_name(crt, wish->names->items[i]);
    }
    rc = rc < 0 ? rc : gnutls_x509_crt_get_subject_key_id(authority, id, &id_size, NULL);
    return rc < 0 ? rc : gnutls_x509_crt_set_authority_key_id(crt, id, id_size);
}

int certificate_make_leaf(const struct certificate_wish *wish, struct str authority_pem,
    struct buf *to, struct err *err) {
    AUTO_CHAIN struct chain authority = {.count = 0};
    AUTO_CRT gnutls_x509_crt_t crt = NULL;
    AUTO_KEY gnutls_x509_privkey_t key = NULL;
    AUTO_KEY gnutls_x509_privkey_t signer = NULL;
    gnutls_datum_t pem = datum(authority_pem);
    if (!chain_read(authority_pem, &authority)) {
        return err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR("PEM")));
    }
    int rc = gnutls_x509_privkey_init(&signer);
    rc = rc < 0 ? rc : gnutls_x509_privkey_import(signer, &pem, GNUTLS_X509_FMT_PEM);
    rc = rc < 0 ? rc : new_key(&key);
    rc = rc < 0 ? rc : gnutls_x509_crt_init(&crt);
    rc = rc < 0 ? rc : begin_crt(crt, key, wish);
    rc = rc < 0 ? rc : fill_leaf(crt, authority.items[0], wish);
    rc = rc < 0 ? rc : gnutls_x509_crt_sign2(crt, authority.items[0], signer, GNUTLS_DIG_SHA256, 0);
    if (rc < 0) {
        return failed(rc, err);
    }
    int status = put_pem(crt, to, err);
    status = status < 0 ? status : put_pem(authority.items[0], to, err);
    return status < 0 ? status : put_key(key, to, err);
}

/* ---- For handshakes ---- */

static bool keys_agree(gnutls_pubkey_t mine, gnutls_privkey_t key) {
    AUTO_PUBKEY gnutls_pubkey_t other = NULL;
    uint8_t a[KEY_ID_BYTES];
    uint8_t b[KEY_ID_BYTES];
    size_t a_size = sizeof a;
    size_t b_size = sizeof b;
    return gnutls_pubkey_init(&other) >= 0 && gnutls_pubkey_import_privkey(other, key, 0, 0) >= 0 &&
           gnutls_pubkey_get_key_id(mine, 0, a, &a_size) >= 0 &&
           gnutls_pubkey_get_key_id(other, 0, b, &b_size) >= 0 && a_size == b_size &&
           memcmp(a, b, a_size) == 0;
}

int certificate_pair_new(
    const struct certificate_files *files, struct certificate_pair **ret_pair, struct err *err) {
    struct certificate_pair *pair = MEM_NEW(struct certificate_pair);
    gnutls_datum_t certificate = datum(files->certificate);
    gnutls_datum_t key = datum(files->key);
    unsigned int count = CERTIFICATE_CHAIN_MAX;
    int status = 0;
    if (files->certificate.size > CERTIFICATE_PEM_MAX ||
        gnutls_pcert_list_import_x509_raw(
            pair->chain, &count, &certificate, GNUTLS_X509_FMT_PEM, 0) < 0 ||
        count == 0) {
        status = err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE,
            ARGS(A_CSTR(files->certificate_path)));
    } else {
        pair->count = count;
    }
    if (status >= 0 &&
        (files->key.size > CERTIFICATE_PEM_MAX || gnutls_privkey_init(&pair->key) < 0 ||
            gnutls_privkey_import_x509_raw(pair->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)) {
        status = err_set(err, ERR_CORRUPT, MSG_TLS_KEY_UNREADABLE, ARGS(A_CSTR(files->key_path)));
    }
    if (status >= 0 && !keys_agree(pair->chain[0].pubkey, pair->key)) {
        status = err_set(err, ERR_CONFLICT, MSG_TLS_KEY_OTHER,
            ARGS(A_CSTR(files->key_path), A_CSTR(files->certificate_path)));
    }
    if (status < 0) {
        certificate_pair_free(pair);
        return status;
    }
    *ret_pair = pair;
    return 0;
}

void certificate_pair_free(struct certificate_pair *pair) {
    if (pair == NULL) {
        return;
    }
    for (unsigned int i = 0; i < pair->count; i++) {
        gnutls_pcert_deinit(&pair->chain[i]);
    }
    if (pair->key != NULL) {
        gnutls_privkey_deinit(pair->key);
    }
    mem_free(pair);
}

void certificate_pair_lend(
    struct certificate_pair *pair, void *ret_chain, unsigned *ret_count, void *ret_key) {
    *(gnutls_pcert_st **)ret_chain = pair->chain;
    *ret_count = pair->count;
    *(gnutls_privkey_t *)ret_key = pair->key;
}

void *tls_session_pointer(void *session) {
    return gnutls_session_get_ptr(session);
}

/*
 * When the TLS certificate ends, by GnuTLS, which serves it (through libmicrohttpd). Of a chain the
 * first certificate to end counts.
 */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "core/mem.h"
#include "upkeep/state.h"

enum { FILE_BYTES_MAX = 1 << 20, CHAIN_MAX = 16 };

static int read_file(const char *path, char **ret_text, size_t *ret_size, struct err *err) {
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    status = status < 0 ? status : file_size(fd, path, &size, err);
    if (status >= 0 && size > FILE_BYTES_MAX) {
        return err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR(path)));
    }
    if (status < 0) {
        return status;
    }
    *ret_text = mem_alloc(size + 1);
    *ret_size = size;
    return file_read_at(fd, path, 0, *ret_text, size, err);
}

int certificate_end(const char *path, int64_t *ret_end_ns, struct err *err) {
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = read_file(path, &text, &size, err);
    if (status < 0) {
        return status;
    }
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned int count = CHAIN_MAX;
    gnutls_datum_t data = {.data = (unsigned char *)text, .size = (unsigned int)size};
    if (gnutls_x509_crt_list_import(chain, &count, &data, GNUTLS_X509_FMT_PEM, 0) < 1) {
        return err_set(err, ERR_CORRUPT, MSG_HEALTH_CERTIFICATE_UNREADABLE, ARGS(A_CSTR(path)));
    }
    int64_t end_ns = INT64_MAX;
    for (unsigned int i = 0; i < count; i++) {
        time_t end = gnutls_x509_crt_get_expiration_time(chain[i]);
        int64_t at = end == (time_t)-1 ? INT64_MAX : (int64_t)end * NS_PER_S;
        end_ns = at < end_ns ? at : end_ns;
        gnutls_x509_crt_deinit(chain[i]);
    }
    *ret_end_ns = end_ns;
    return 0;
}

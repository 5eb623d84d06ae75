/*
 * Sending a file of somebody's.
 *
 * Its type is never guessed: octets, with nosniff (headers.c), and a name to save it under. A page
 * that wants to show a photo asks for it as data.
 */
#include "serve/sent_file.h"

#include "core/file.h"
#include "core/mem.h"

enum { NAME_HEADER_BYTES = 2048 };

int sent_file_piece(void *state, struct buf *out, struct err *err) {
    struct sent_file *file = state;
    uint64_t left = file->size - file->sent;
    size_t size = left < HTTP_PIECE_BYTES ? (size_t)left : HTTP_PIECE_BYTES;
    uint8_t *to = size > 0 ? buf_reserve(out, size) : NULL;
    if (to == NULL) {
        return HTTP_END;
    }
    int rc = file_read_at(file->fd, "paper", file->sent, to, size, err);
    if (rc < 0) {
        return rc;
    }
    buf_commit(out, size);
    file->sent += size;
    return file->sent < file->size ? HTTP_MORE : HTTP_END;
}

void sent_file_free(void *state) {
    struct sent_file *file = state;
    if (file->fd >= 0) {
        file_close(file->fd);
    }
    mem_free(file);
}

/* RFC 6266: a name for old readers, and the whole one percent-encoded (RFC 8187). Never inline: a
 * deliverable is somebody's file and must not run as a page of ours. */
void sent_file_name(struct call *call, struct str name) {
    static const char HEX[] = "0123456789ABCDEF";
    AUTO_BUF struct buf header;
    buf_init(&header, NAME_HEADER_BYTES);
    buf_printf(&header, "attachment; filename*=UTF-8''");
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '-' || c == '_';
        if (plain) {
            buf_put_char(&header, (char)c);
        } else {
            buf_printf(&header, "%%%c%c", HEX[c >> 4], HEX[c & 15]);
        }
    }
    http_answer_header(call->http, "Content-Disposition", buf_str(&header));
}

void sent_file_answer(struct call *call, int fd, uint64_t size, struct str name) {
    struct sent_file *file = MEM_NEW(struct sent_file);
    *file = (struct sent_file){.fd = fd, .size = size};
    sent_file_name(call, name);
    call_source(call, "application/octet-stream",
        (struct http_source){file, sent_file_piece, sent_file_free});
}

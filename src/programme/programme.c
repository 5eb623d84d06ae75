/*
 * A programme's document and finding one's way in it.
 *
 * Nothing is copied out of the tree: members are looked up where a rule needs them. A document has
 * some hundred members, a question looks at some ten of them, and what is not looked up twice
 * cannot disagree with itself.
 */
#include "programme/programme.h"

#include "core/buf.h"
#include "core/mem.h"
#include "programme/words.h"

struct programme {
    struct json_in *root;
};

enum { FORMAT = 1, NAMES_BYTES = 512 };

int programme_parse(struct str json, struct programme **ret_programme, struct err *err) {
    if (json.size > PROGRAMME_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, SAY_DESK(PROGRAMME_SIZE), ARGS(A_INT(PROGRAMME_BYTES_MAX)));
    }
    AUTO_JSON_IN struct json_in *root = NULL;
    int status = json_in_parse(json, &root, err);
    if (status < 0) {
        return status;
    }
    int64_t format = 0;
    if (!json_in_whole(json_in_get(root, "format"), &format) || format != FORMAT) {
        return err_set(err, ERR_VERSION, SAY_DESK(PROGRAMME_FORMAT), ARGS(A_INT(format)));
    }
    for (size_t i = 0; i < 3; i++) {
        const char *needed = (const char *const[]){"id", "kind", "ko"}[i];
        if (json_in_text(json_in_get(root, needed)).size == 0) {
            return err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_NEEDS), ARGS(A_CSTR(needed)));
        }
    }
    struct str id = json_in_text(json_in_get(root, "id"));
    if (!str_is_id(id)) {
        return err_set(err, ERR_INVALID, SAY_DESK(PROGRAMME_ID), ARGS(A_STR(id)));
    }
    struct programme *programme = mem_alloc(sizeof *programme);
    programme->root = root;
    root = NULL;
    *ret_programme = programme;
    return 0;
}

void programme_free(struct programme *programme) {
    if (programme) {
        json_in_free(programme->root);
        mem_free(programme);
    }
}

const struct json_in *programme_root(const struct programme *programme) {
    return programme->root;
}

struct str programme_text(const struct programme *programme, const char *member) {
    return json_in_text(json_in_get(programme->root, member));
}

struct str programme_id(const struct programme *programme) {
    return programme_text(programme, "id");
}

const struct json_in *list_find(const struct json_in *list, struct str id) {
    for (size_t i = 0; i < json_in_count(list); i++) {
        const struct json_in *item = json_in_at(list, i);
        if (str_eq(json_in_text(json_in_get(item, "id")), id)) {
            return item;
        }
    }
    return NULL;
}

const struct json_in *programme_find(
    const struct programme *programme, const char *list, struct str id) {
    return list_find(json_in_get(programme->root, list), id);
}

int programme_type(const struct programme *programme, struct str id,
    const struct json_in **ret_type, struct err *err) {
    const struct json_in *types = json_in_get(programme->root, "types");
    const struct json_in *type = list_find(types, id);
    if (id.size == 0 && json_in_count(types) == 1) {
        type = json_in_at(types, 0);
    }
    if (type) {
        *ret_type = type;
        return 0;
    }
    if (json_in_count(types) == 0) {
        return err_set(err, ERR_NOT_FOUND, SAY_DESK(PROGRAMME_TYPE_NONE),
            ARGS(A_STR(programme_id(programme))));
    }
    AUTO_BUF struct buf names;
    buf_init(&names, NAMES_BYTES);
    for (size_t i = 0; i < json_in_count(types); i++) {
        buf_put_str(&names, i > 0 ? STR(", ") : STR_NONE);
        buf_put_str(&names, json_in_text(json_in_get(json_in_at(types, i), "id")));
    }
    if (id.size == 0) {
        return err_set(err, ERR_USAGE, SAY_DESK(PROGRAMME_TYPE_WHICH),
            ARGS(A_STR(programme_id(programme)), A_STR(buf_str(&names))));
    }
    return err_set(err, ERR_NOT_FOUND, SAY_DESK(PROGRAMME_TYPE_UNKNOWN),
        ARGS(A_STR(programme_id(programme)), A_STR(id), A_STR(buf_str(&names))));
}

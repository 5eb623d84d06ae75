/*
 * A path is resolved as the system would, and each folder above it is asked whether it is a home.
 * So neither "..", links nor another name of the same folder lead into one, and a copy of a home
 * in a folder is as closed as the home itself.
 */
#include "device/files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "device/device.h"
#include "device/registry.h"

static bool has(const char *folder, const char *name) {
    AUTO_BUF struct buf path;
    struct stat facts;
    buf_init(&path, LIMIT_PATH_BYTES + 16);
    buf_printf(&path, "%s/%s", folder, name);
    return !path.overflow && stat(buf_z(&path), &facts) == 0;
}

static bool is_home(const char *folder) {
    return has(folder, "hub.db") && has(folder, "plants");
}

/* The deepest part of the path that is there, resolved. */
static bool resolve(struct str path, char ret_found[PATH_MAX]) {
    char *wanted = mem_copy_z(path);
    bool found = realpath(wanted, ret_found) != NULL;
    for (char *slash = strrchr(wanted, '/'); !found && slash != NULL;
         slash = strrchr(wanted, '/')) {
        *slash = '\0';
        found = realpath(*wanted != '\0' ? wanted : "/", ret_found) != NULL;
    }
    mem_free(wanted);
    return found;
}

int files_check(struct str path, struct err *err) {
    char found[PATH_MAX];
    bool refused = false;
    char *slash = resolve(path, found) ? found : NULL;
    while (slash != NULL && *found != '\0' && !refused) {
        refused = is_home(found);
        slash = strrchr(found, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    return refused ? err_set(err, ERR_FORBIDDEN, MSG_DEVICE_FILE_OWN, ARGS(A_STR(path))) : 0;
}

static bool is_device_node(struct str address) {
    return str_starts(address, STR("/dev/")) &&
           memmem(address.data, address.size, "/../", 4) == NULL;
}

/* The file of an address; empty: none. */
static struct str file_of(struct str address) {
    static const char *const PREFIXES[] = {"sqlite:", "capture:"};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        if (str_starts(address, str_of(PREFIXES[i]))) {
            return str_slice(address, strlen(PREFIXES[i]), address.size);
        }
    }
    bool plain = address.size > 0 && address.data[0] == '/' && !is_device_node(address);
    return plain ? address : STR_NONE;
}

int files_check_all(const struct driver *driver, struct str address,
    const struct driver_settings *settings, struct err *err) {
    struct str path = file_of(address);
    int rc = path.size > 0 ? files_check(path, err) : 0;
    for (size_t i = 0; rc >= 0 && driver->options[i].name != NULL; i++) {
        if (driver->options[i].is_file && settings->texts[i].size > 0) {
            rc = files_check(settings->texts[i], err);
        }
    }
    return rc;
}

bool device_uses_files(const struct device *device) {
    const struct driver *driver = NULL;
    struct driver_settings settings;
    if (file_of(device->address).size > 0) {
        return true;
    }
    bool named = registry_resolve(device, &driver, &settings, NULL) == 0;
    for (size_t i = 0; named && driver->options[i].name != NULL; i++) {
        if (driver->options[i].is_file && settings.texts[i].size > 0) {
            return true;
        }
    }
    return false;
}

/*
 * Files that testers, loggers and other programs put into a folder: CSV, workbooks, JSON, XML.
 *
 * A file is taken when it has not changed for `settle_s` (what is still being written waits), and
 * once: its name, size and time of change stand in a bookmark that is written after its values are
 * durable, so a restart takes nothing again and leaves nothing out. A file that is changed later is
 * taken again; what it repeats with the same time and value is recognised and not stored twice.
 * With grows=1 a file is a log that others write on: each visit takes the whole lines that are new.
 *
 * Rows carry their own time where `time` names its column (or two, joined by +: date+time). Else
 * they have the file's time of change, a microsecond apart, so that a second reading gives the same
 * times. Files are only read; Maru needs no right to write in the folder.
 */
#include "device/drivers/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "wire/json_path.h"

enum {
    FILES_MAX = 100000,
    FILES_PER_CALL = 64,
    ROWS_PER_CALL = 100000, // Then the next file waits for the next call.
    NAME_BYTES = 256,
    BOOKMARK_BYTES = 128,
    TAIL_BYTES = 65536,
    MARK_BYTES = 256, // Of what was taken last are remembered, as a hash.
};
#define UNREADABLE_AGAIN_NS (10 * NS_PER_S)

/* A file that was seen. */
struct seen_file {
    char *name;
    uint64_t size;
    int64_t mtime_ns;
    int64_t since_ns;    // Monotonic: it has these since then.
    uint64_t taken_size; // Of the bookmark; taken when both agree.
    int64_t taken_ns;
    uint64_t taken_mark; // What stood before taken_size in a growing file; 0: not known.
    uint64_t tried_size; // Of a growing file at its last visit, which found what there was.
    int64_t tried_ns;
    int64_t again_ns; // Monotonic: it could not be read and is tried again then.
    bool looked_up;   // The bookmark was read.
    bool is_new;      // Taken in the running call: to be marked.
    uint64_t visit;
};

struct folder_private {
    struct seen_file *files;
    uint32_t file_count;
    uint32_t file_capacity;
    uint64_t visit;
    struct zone *zone;
};

/* ---- Sources ---- */

static int folder_parse_address(struct str source, const struct driver_settings *settings,
    struct point *ret_point, struct err *err) {
    (void)settings;
    struct cell_source parsed;
    int result = cell_source_parse(source, &parsed, err);
    if (result == 0 && parsed.column.data[0] == '$') {
        struct json_path path;
        result = json_path_parse(parsed.column, &path, err);
    }
    if (result < 0) {
        return result;
    }
    ret_point->length = 1; // One file holds all points.
    ret_point->detail[0] = parsed.type;
    ret_point->natural_type = parsed.type;
    return 0;
}

static struct driver_span folder_span(const struct driver_settings *settings, uint32_t space) {
    (void)settings;
    (void)space;
    return (struct driver_span){.max_length = 1};
}

static int folder_check_address(
    struct str address, const struct driver_settings *settings, struct err *err) {
    if (address.size == 0 || address.data[0] != '/' || address.size >= LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, MSG_FOLDER_ADDRESS, ARGS(A_STR(address)));
    }
    struct zone *zone = NULL;
    struct str name = settings->texts[FOLDER_ZONE];
    int result = zone_load(name.size > 0 ? name : STR("Asia/Seoul"), &zone, err);
    zone_free(zone);
    return result;
}

/* ---- Files of the folder ---- */

static struct seen_file *find_file(struct folder_private *folder, const char *name) {
    for (uint32_t low = 0, high = folder->file_count; low < high;) { // Sorted by name.
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(folder->files[middle].name, name);
        if (order == 0) {
            return &folder->files[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static int compare_names(const void *left, const void *right) {
    return strcmp(((const struct seen_file *)left)->name, ((const struct seen_file *)right)->name);
}

static void add_file(struct folder_private *folder, const char *name) {
    if (folder->file_count == folder->file_capacity) {
        folder->file_capacity = folder->file_capacity * 2 + 64;
        folder->files = mem_resize(folder->files, folder->file_capacity * sizeof *folder->files);
    }
    folder->files[folder->file_count++] = (struct seen_file){.name = mem_copy_z(str_of(name))};
}

static bool is_wanted(const struct driver_settings *settings, const char *name) {
    struct str pattern = settings->texts[FOLDER_FILES];
    char pattern_z[NAME_BYTES] = "*";
    if (pattern.size > 0) {
        (void)str_copy_z(pattern, pattern_z, sizeof pattern_z);
    }
    size_t size = strlen(name);
    bool is_partial =
        size > 5 && (strcmp(name + size - 5, ".part") == 0 || strcmp(name + size - 4, ".tmp") == 0);
    return name[0] != '.' && name[0] != '~' && !is_partial && size < NAME_BYTES &&
           fnmatch(pattern_z, name, FNM_CASEFOLD) == 0;
}

/* What the bookmark says of the file: "SIZE MTIME", of a growing one "SIZE MTIME MARK". */
static void look_up(struct driver_io *io, struct seen_file *file) {
    AUTO_BUF struct buf text;
    buf_init(&text, BOOKMARK_BYTES);
    file->looked_up = true;
    if (io_bookmark_get(io, str_of(file->name), &text, NULL) == 0) {
        struct str rest = buf_str(&text);
        (void)str_to_u64(str_cut(&rest, ' '), &file->taken_size);
        (void)str_to_i64(str_cut(&rest, ' '), &file->taken_ns);
        (void)str_to_u64(rest, &file->taken_mark);
    }
}

static void note_stat(struct driver_io *io, struct seen_file *file, const struct stat *facts) {
    uint64_t size = (uint64_t)facts->st_size;
    int64_t mtime_ns = facts->st_mtim.tv_sec * NS_PER_S + facts->st_mtim.tv_nsec;
    if (file->since_ns == 0 || file->size != size || file->mtime_ns != mtime_ns) {
        file->size = size;
        file->mtime_ns = mtime_ns;
        file->since_ns = io_mono_ns(io);
    }
}

/* Looks the folder through once. */
static int look(struct driver_io *io, const char *path, struct point_sink *sink, struct err *err) {
    struct folder_private *folder = io_private(io);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        enum msg_id id = errno == EACCES ? MSG_FOLDER_FORBIDDEN : MSG_FOLDER_MISSING;
        return err_set(
            err, ERR_UNREACHABLE, id, ARGS(A_CSTR(path), A_CSTR(strerrorname_np(errno))));
    }
    folder->visit++;
    uint32_t known = folder->file_count;
    bool too_many = false;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct stat facts;
        if (!is_wanted(io_settings(io), entry->d_name) ||
            fstatat(dirfd(dir), entry->d_name, &facts, 0) != 0 || !S_ISREG(facts.st_mode)) {
            continue;
        }
        struct folder_private sorted = *folder;
        sorted.file_count = known;
        struct seen_file *file = find_file(&sorted, entry->d_name);
        if (file == NULL && folder->file_count >= FILES_MAX) {
            too_many = true;
            continue;
        }
        if (file == NULL) {
            add_file(folder, entry->d_name);
            file = &folder->files[folder->file_count - 1];
        }
        file->visit = folder->visit;
        note_stat(io, file, &facts);
    }
    (void)closedir(dir);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < folder->file_count; i++) { // Forget what went.
        if (folder->files[i].visit == folder->visit) {
            folder->files[kept++] = folder->files[i];
        } else {
            mem_free(folder->files[i].name);
        }
    }
    folder->file_count = kept;
    if (kept > 0) {
        qsort(folder->files, kept, sizeof *folder->files, compare_names);
    }
    if (too_many) {
        struct err words = ERR_INIT;
        (void)err_set(&words, ERR_LIMIT, MSG_FOLDER_MANY, ARGS(A_CSTR(path), A_INT(FILES_MAX)));
        sink_warn(sink, &words);
    }
    return 0;
}

/* ---- Taking ---- */

void folder_note(struct folder_file *file, uint64_t line, struct str column, struct str text) {
    file->bad_rows++;
    if (file->first_bad.code == ERR_OK) {
        (void)err_set(
            &file->first_bad, ERR_INVALID, MSG_FOLDER_CELL, ARGS(A_STR(column), A_STR(text)));
        (void)err_context(&file->first_bad, MSG_FOLDER_LINE, ARGS(A_STR(file->name), A_INT(line)));
    }
}

void folder_row(struct folder_file *file, int64_t time_ns) {
    io_arrived(file->io); // Where its own time is not believed, rows do not share one either.
    sink_time(file->sink, time_ns);
}

bool folder_time(struct folder_file *file, struct str text, int64_t *ret_time_ns) {
    static const int64_t UNITS[] = {0, NS_PER_S, NS_PER_MS, NS_PER_US, 1};
    if (file->settings->texts[FOLDER_TIME].size == 0) {
        *ret_time_ns = file->mtime_ns + (int64_t)file->rows * NS_PER_US;
        return true;
    }
    return cell_time(
        text, file->zone, UNITS[file->settings->values[FOLDER_TIME_UNIT]], ret_time_ns);
}

static enum folder_format format_of(const struct driver_settings *settings, struct str name) {
    enum folder_format format = (enum folder_format)settings->values[FOLDER_FORMAT];
    if (format != FOLDER_AUTO) {
        return format;
    }
    size_t dot = name.size;
    while (dot > 0 && name.data[dot - 1] != '.') {
        dot--;
    }
    struct str end = str_slice(name, dot, name.size);
    bool json = str_eq_nocase(end, STR("json")) || str_eq_nocase(end, STR("jsonl")) ||
                str_eq_nocase(end, STR("ndjson"));
    return json ? FOLDER_JSON : str_eq_nocase(end, STR("xml")) ? FOLDER_XML : FOLDER_TABLE;
}

/* The end of the last whole line of a growing file; `from` where there is none. */
static uint64_t last_line_end(int fd, uint64_t from, uint64_t size) {
    char tail[TAIL_BYTES];
    uint64_t end = size;
    while (end > from) {
        uint64_t begin = end - from > sizeof tail ? end - sizeof tail : from;
        ssize_t got = pread(fd, tail, (size_t)(end - begin), (off_t)begin);
        for (ssize_t i = got; i > 0; i--) {
            if (tail[i - 1] == '\n') {
                return begin + (uint64_t)i;
            }
        }
        end = begin;
    }
    return from;
}

/* A hash of the last bytes before `end`, never 0; 0 where they cannot be read. A log that was
 * begun anew and has grown past the old place has others there. */
static uint64_t mark_of(int fd, uint64_t end) {
    char bytes[MARK_BYTES];
    size_t size = end < sizeof bytes ? (size_t)end : sizeof bytes;
    ssize_t got = pread(fd, bytes, size, (off_t)(end - size));
    return got == (ssize_t)size && size > 0 ? 1 + (uint64_t)crc32c(0, bytes, size) : 0;
}

/* Where the new lines of a growing file begin and end. A log that was begun anew is read from its
 * beginning. */
static void find_new_lines(struct folder_file *file, const struct seen_file *seen) {
    bool goes_on =
        seen->taken_size <= seen->size &&
        (seen->taken_mark == 0 || seen->taken_mark == mark_of(file->fd, seen->taken_size));
    file->from = goes_on ? seen->taken_size : 0;
    file->end = last_line_end(file->fd, file->from, seen->size);
}

static int take_open(struct folder_file *file, struct err *err) {
    switch (format_of(file->settings, file->name)) {
    case FOLDER_JSON: return folder_take_json(file, err);
    case FOLDER_XML: return folder_take_xml(file, err);
    case FOLDER_AUTO:
    case FOLDER_TABLE: break;
    }
    return folder_take_table(file, err);
}

/* Takes one file; its rows. */
static uint64_t take_file(struct driver_io *io, const char *path, struct seen_file *seen,
    const struct point_group *all, struct point_sink *sink) {
    struct folder_private *folder = io_private(io);
    struct err err = ERR_INIT;
    struct folder_file file = {.io = io,
        .settings = io_settings(io),
        .zone = folder->zone,
        .all = all,
        .sink = sink,
        .name = str_of(seen->name),
        .end = seen->size,
        .mtime_ns = seen->mtime_ns,
        .first_bad = ERR_INIT};
    char full[LIMIT_PATH_BYTES + NAME_BYTES];
    (void)snprintf(full, sizeof full, "%s/%s", path, seen->name);
    AUTO_CLOSE int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    file.fd = fd;
    int result = fd >= 0 ? 0 : err_set(&err, ERR_IO, MSG_FOLDER_READ, ARGS(A_CSTR(full)));
    bool grows = file.settings->values[FOLDER_GROWS] != 0;
    if (result == 0 && grows) {
        find_new_lines(&file, seen);
    }
    if (result == 0 && file.end > file.from) {
        result = take_open(&file, &err);
    }
    sink_time(sink, 0);
    if (result < 0) {
        bool unreadable = err.code == ERR_IO;
        (void)err_context(&err, unreadable ? MSG_FOLDER_AGAIN : MSG_FOLDER_FILE,
            ARGS(A_STR(file.name), A_INT(UNREADABLE_AGAIN_NS / NS_PER_S)));
        sink_warn(sink, &err);
        if (unreadable) { // Locked, forbidden, the share went away: nothing is wrong with the file.
            seen->again_ns = io_mono_ns(io) + UNREADABLE_AGAIN_NS;
            return file.rows;
        }
    } else if (file.bad_rows > 0) {
        (void)err_context(
            &file.first_bad, MSG_FOLDER_BAD_ROWS, ARGS(A_INT(file.bad_rows), A_INT(file.rows)));
        sink_warn(sink, &file.first_bad);
    }
    seen->tried_size = seen->size;
    seen->tried_ns = seen->mtime_ns;
    seen->is_new = !grows || file.end != seen->taken_size || file.from == 0;
    seen->taken_size = file.end;
    seen->taken_ns = seen->mtime_ns;
    seen->taken_mark = grows ? mark_of(fd, file.end) : 0;
    return file.rows;
}

static bool is_due(struct driver_io *io, struct seen_file *file) {
    const struct driver_settings *settings = io_settings(io);
    if (!file->looked_up) {
        look_up(io, file);
    }
    bool grows = settings->values[FOLDER_GROWS] != 0;
    bool taken = (file->taken_size == file->size && file->taken_ns == file->mtime_ns) ||
                 (grows && file->tried_size == file->size && file->tried_ns == file->mtime_ns);
    int64_t now_ns = io_mono_ns(io);
    bool settled = now_ns - file->since_ns >= settings->values[FOLDER_SETTLE_S] * NS_PER_S;
    return !taken && (settled || grows) && now_ns >= file->again_ns;
}

static bool is_stopping(const struct driver_io *io) {
    struct pollfd stop = {.fd = io_stop_fd(io), .events = POLLIN};
    return stop.fd >= 0 && poll(&stop, 1, 0) > 0;
}

static int folder_read_groups(struct driver_io *io, const struct point_group *groups,
    uint32_t count, struct point_sink *sink, struct err *err) {
    struct folder_private *folder = io_private(io);
    char path[LIMIT_PATH_BYTES];
    (void)str_copy_z(io_address(io), path, sizeof path);
    int64_t stamp = io_request_sent(io);
    int result = look(io, path, sink, err);
    if (result < 0 || count == 0) {
        return result;
    }
    io_request_answered(io, stamp);
    uint64_t rows = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < folder->file_count && !is_stopping(io); i++) {
        if (is_due(io, &folder->files[i])) {
            rows += take_file(io, path, &folder->files[i], &groups[0], sink);
            taken++;
        }
        if (taken >= FILES_PER_CALL || rows >= ROWS_PER_CALL) {
            break;
        }
    }
    sink_alive(sink);
    return 0;
}

static int folder_acknowledge(struct driver_io *io, struct err *err) {
    struct folder_private *folder = io_private(io);
    for (uint32_t i = 0; i < folder->file_count; i++) {
        struct seen_file *file = &folder->files[i];
        if (!file->is_new) {
            continue;
        }
        char text[BOOKMARK_BYTES];
        (void)snprintf(text, sizeof text, "%llu %lld %llu", (unsigned long long)file->taken_size,
            (long long)file->taken_ns, (unsigned long long)file->taken_mark);
        int result = io_bookmark_put(io, str_of(file->name), str_of(text), err);
        if (result < 0) {
            return result;
        }
        file->is_new = false;
    }
    return 0;
}

static int folder_open(struct driver_io *io, struct err *err) {
    struct folder_private *folder = io_private(io);
    *folder = (struct folder_private){0};
    struct str zone = io_settings(io)->texts[FOLDER_ZONE];
    return zone_load(zone.size > 0 ? zone : STR("Asia/Seoul"), &folder->zone, err);
}

static void folder_close(struct driver_io *io) {
    struct folder_private *folder = io_private(io);
    for (uint32_t i = 0; i < folder->file_count; i++) {
        mem_free(folder->files[i].name);
    }
    mem_free(folder->files);
    zone_free(folder->zone);
    *folder = (struct folder_private){0};
}

static const struct driver_option folder_options[] = {
    [FOLDER_FILES] = {.name = "files",
        .help_en = "Which files, such as *.csv or test_*.xlsx; all when not given.",
        .help_ko = "가져올 파일 이름입니다. 예: *.csv, test_*.xlsx (없으면 모두)",
        .is_text = true},
    [FOLDER_FORMAT] = {.name = "format",
        .help_en = "What the files are; auto goes by their ending and content.",
        .help_ko = "파일 형식입니다. auto는 확장자와 내용으로 판단합니다.",
        .words = "auto,table,json,xml"},
    [FOLDER_GROWS] = {.name = "grows",
        .help_en = "1: files are logs that are written on; new lines are taken at each visit.",
        .help_ko = "1이면 계속 이어 쓰는 로그로 보고, 새로 쓰인 줄을 매번 가져옵니다.",
        .min = 0,
        .max = 1},
    [FOLDER_SETTLE_S] = {.name = "settle_s",
        .help_en = "A file is taken when it has not changed for so many seconds.",
        .help_ko = "이 시간(초) 동안 바뀌지 않은 파일을 가져옵니다.",
        .fallback = 3,
        .min = 0,
        .max = 3600},
    [FOLDER_TIME] = {.name = "time",
        .help_en = "Column of the time (two joined by +: \"date+time\"), JSON path or XML path.",
        .help_ko = "시각이 든 열입니다(두 열은 +로: \"날짜+시각\"). JSON, XML은 경로를 씁니다.",
        .is_text = true},
    [FOLDER_TIME_UNIT] = {.name = "time_unit",
        .help_en = "Unit of a time that is a number; auto goes by its size.",
        .help_ko = "숫자로 된 시각의 단위입니다. auto는 크기로 판단합니다.",
        .words = "auto,s,ms,us,ns"},
    [FOLDER_ZONE] = {.name = "zone",
        .help_en = "Time zone of times without one; Asia/Seoul when not given.",
        .help_ko = "시간대가 없는 시각의 시간대입니다(기본 Asia/Seoul).",
        .is_text = true},
    [FOLDER_ENCODING] = {.name = "encoding",
        .help_en = "Encoding of CSV files; auto recognises it.",
        .help_ko = "CSV 파일의 인코딩입니다. auto는 자동으로 알아냅니다.",
        .words = "auto,utf-8,utf-8-bom,cp949,utf-16le,utf-16be"},
    [FOLDER_SEPARATOR] = {.name = "separator",
        .help_en = "Separator of CSV files; auto recognises it.",
        .help_ko = "CSV 파일의 구분자입니다. auto는 자동으로 알아냅니다.",
        .words = "auto,comma,semicolon,tab"},
    [FOLDER_SHEET] = {.name = "sheet",
        .help_en = "Sheet of workbooks; the first when not given.",
        .help_ko = "엑셀 시트 이름입니다(없으면 첫 시트).",
        .is_text = true},
    [FOLDER_HEADER] = {.name = "header",
        .help_en = "0: the table has no row of names; columns are #1, #2, ...",
        .help_ko = "0이면 제목 행이 없으며 열을 #1, #2, ...로 씁니다.",
        .fallback = 1,
        .min = 0,
        .max = 1},
    [FOLDER_SKIP_LINES] = {.name = "skip_lines",
        .help_en = "Rows above the header that are passed over.",
        .help_ko = "제목 행 위에서 건너뛸 줄 수입니다.",
        .min = 0,
        .max = 1000},
    [FOLDER_RECORD] = {.name = "record",
        .help_en = "Name of the XML element that is one record; the whole file when not given.",
        .help_ko = "레코드 하나에 해당하는 XML 요소 이름입니다(없으면 파일 전체).",
        .is_text = true},
    {.name = NULL},
};

const struct driver driver_folder;
const struct driver driver_folder = {
    .name = "folder",
    .help_en =
        "Files that testers and loggers put into a folder (address: its path, /data/tester1): CSV, "
        "Excel, JSON, XML, also packed. A source is a column (temp, \"Cycle Time\" i64, #3 text), "
        "a "
        "JSON path ($.temp) or an XML path (/axis/pos). Each file is taken once, when it is "
        "finished; grows=1 for logs that are written on.",
    .help_ko =
        "검사기와 로거가 폴더에 남기는 파일을 가져옵니다(주소는 폴더 경로, 예: /data/tester1). "
        "CSV, "
        "엑셀, JSON, XML과 압축 파일을 지원합니다. 태그 주소는 열 이름(온도, \"Cycle Time\" i64, "
        "#3 "
        "text), JSON 경로($.temp), XML 경로(/axis/pos)입니다. 파일은 다 쓰인 뒤 한 번만 가져오며, "
        "이어 쓰는 로그는 grows=1을 씁니다.",
    .options = folder_options,
    .private_bytes = sizeof(struct folder_private),
    .events = true,
    .check_address = folder_check_address,
    .parse_address = folder_parse_address,
    .span = folder_span,
    .open = folder_open,
    .read_groups = folder_read_groups,
    .acknowledge = folder_acknowledge,
    .close = folder_close,
};

/* The servers run as their own user where the test is root, for PostgreSQL refuses root. */
#include "support_database.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "support_device.h"

enum { ARGUMENTS = 16, PATH = 160 };

static _Noreturn void become(const struct database *database, const char *const *arguments) {
    const struct passwd *user = getpwnam(database->is_postgresql ? "postgres" : "mysql");
    char log[PATH];
    (void)snprintf(log, sizeof log, "%s/log", database->folder);
    if (user != NULL && geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        _exit(126);
    }
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    if (out >= 0 && in >= 0 && chdir(database->folder) == 0 && dup2(in, 0) == 0 &&
        dup2(out, 1) == 1 && dup2(out, 2) == 2) {
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    _exit(127);
}

static pid_t start(const struct database *database, const char *const *arguments) {
    pid_t pid = fork();
    if (pid == 0) {
        become(database, arguments);
    }
    assert_true(pid > 0);
    return pid;
}

static bool run(const struct database *database, const char *const *arguments) {
    int status = 0;
    pid_t pid = start(database, arguments);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

pid_t database_run_later(const struct database *database, const char *text) {
    char port[16];
    (void)snprintf(port, sizeof port, "%u", (unsigned)database->port);
    const char *const postgresql[] = {"/usr/bin/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h",
        database->folder, "-p", port, "-U", "postgres", "-d", "test", "-c", text, NULL};
    char socket_option[PATH];
    (void)snprintf(socket_option, sizeof socket_option, "--socket=%s/s", database->folder);
    const char *const mariadb[] = {"/usr/bin/mariadb", "--no-defaults", socket_option, "-u", "root",
        "--default-character-set=utf8mb4", "-e", text, "test", NULL};
    return start(database, database->is_postgresql ? postgresql : mariadb);
}

bool database_run(const struct database *database, const char *text) {
    int status = 0;
    pid_t pid = database_run_later(database, text);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static uint16_t free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static bool answers(const struct database *database) {
    char port[16];
    (void)snprintf(port, sizeof port, "%u", (unsigned)database->port);
    const char *const postgresql[] = {"/usr/bin/psql", "-X", "-h", database->folder, "-p", port,
        "-U", "postgres", "-d", "postgres", "-c", "SELECT 1", NULL};
    char socket_option[PATH];
    (void)snprintf(socket_option, sizeof socket_option, "--socket=%s/s", database->folder);
    const char *const mariadb[] = {
        "/usr/bin/mariadb", "--no-defaults", socket_option, "-u", "root", "-e", "SELECT 1", NULL};
    return run(database, database->is_postgresql ? postgresql : mariadb);
}

void database_start(struct database *database) {
    char port[32];
    char socket_option[PATH];
    char data[PATH];
    bool is_postgresql = database->is_postgresql;
    (void)snprintf(port, sizeof port, is_postgresql ? "%u" : "--port=%u", (unsigned)database->port);
    (void)snprintf(socket_option, sizeof socket_option, is_postgresql ? "%s" : "--socket=%s/s",
        database->folder);
    (void)snprintf(
        data, sizeof data, is_postgresql ? "%s/data" : "--datadir=%s/data", database->folder);
    const char *const postgresql[] = {database->program, "-D", data, "-p", port, "-k",
        socket_option, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", NULL};
    const char *const mariadb[] = {database->program, "--no-defaults", data, socket_option, port,
        "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", NULL};
    database->pid = start(database, is_postgresql ? postgresql : mariadb);
    struct stop_flag never;
    stop_flag_init(&never);
    int64_t deadline_ns = clock_mono_ns(clock_system()) + 3 * PATIENCE_NS;
    while (!answers(database)) {
        int64_t now_ns = clock_mono_ns(clock_system());
        assert_true(now_ns < deadline_ns);
        (void)stop_flag_wait(&never, now_ns + 50 * NS_PER_MS);
    }
    stop_flag_fini(&never);
}

static void end(struct database *database, int signal) {
    if (database->pid > 0) {
        (void)kill(database->pid, signal);
        assert_int_equal(waitpid(database->pid, NULL, 0), database->pid);
        database->pid = 0;
    }
}

void database_stop(struct database *database) {
    end(database, database->is_postgresql ? SIGINT : SIGTERM);
}

void database_kill(struct database *database) {
    end(database, SIGKILL);
}

static bool find_program(struct database *database) {
    glob_t found;
    const char *pattern =
        database->is_postgresql ? "/usr/lib/postgresql/*/bin/postgres" : "/usr/sbin/mariadbd";
    bool good = glob(pattern, 0, NULL, &found) == 0;
    if (good) {
        (void)snprintf(database->program, sizeof database->program, "%s", found.gl_pathv[0]);
        globfree(&found);
    }
    return good;
}

bool database_init(struct database *database, bool is_postgresql) {
    *database = (struct database){.is_postgresql = is_postgresql};
    if (!find_program(database)) {
        return false;
    }
    (void)snprintf(database->folder, sizeof database->folder, "/tmp/maru-database-XXXXXX");
    assert_non_null(mkdtemp(database->folder));
    const struct passwd *user = getpwnam(is_postgresql ? "postgres" : "mysql");
    if (user != NULL && geteuid() == 0) {
        assert_int_equal(chown(database->folder, user->pw_uid, user->pw_gid), 0);
    }
    database->port = free_port();
    char initdb[PATH];
    char data[PATH];
    (void)snprintf(initdb, sizeof initdb, "%.*sinitdb", (int)(strlen(database->program) - 8),
        database->program);
    (void)snprintf(
        data, sizeof data, is_postgresql ? "%s/data" : "--datadir=%s/data", database->folder);
    const char *const postgresql[] = {initdb, "-D", data, "-U", "postgres", "-E", "UTF8",
        "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", NULL};
    const char *const mariadb[] = {"/usr/bin/mariadb-install-db", "--no-defaults", data,
        "--auth-root-authentication-method=normal", "--skip-test-db", NULL};
    assert_true(run(database, is_postgresql ? postgresql : mariadb));
    database_start(database);
    char port[16];
    (void)snprintf(port, sizeof port, "%u", (unsigned)database->port);
    char socket_option[PATH];
    (void)snprintf(socket_option, sizeof socket_option, "--socket=%s/s", database->folder);
    const char *const make_pg[] = {
        "/usr/bin/createdb", "-h", database->folder, "-p", port, "-U", "postgres", "test", NULL};
    const char *const make_my[] = {"/usr/bin/mariadb", "--no-defaults", socket_option, "-u", "root",
        "-e", "CREATE DATABASE test CHARACTER SET utf8mb4", NULL};
    assert_true(run(database, is_postgresql ? make_pg : make_my));
    assert_true(database_run(database,
        is_postgresql
            ? "CREATE USER maru PASSWORD '비밀 1'; GRANT pg_read_all_data TO maru"
            : "CREATE USER maru@'%' IDENTIFIED BY '비밀 1'; GRANT SELECT ON test.* TO maru@'%'"));
    return true;
}

void database_fini(struct database *database) {
    database_stop(database);
    if (database->folder[0] != '\0') {
        assert_int_equal(dir_remove_all(database->folder, NULL), 0);
    }
}

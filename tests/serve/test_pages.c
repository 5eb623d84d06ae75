/*
 * The built-in pages: every path of the page app gives index.html, files keep their rules about
 * keeping and packing, and the interface's own paths are never a page.
 */
#include "support_server.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "serve/api_pages.h"

static struct rig rig;

static int open_rig(void **state) {
    (void)state;
    rig_open(&rig, NULL, false);
    return 0;
}

static int close_rig(void **state) {
    (void)state;
    rig_close(&rig);
    return 0;
}

static void get(const char *target, const char *headers, struct answer *ret_answer) {
    struct question question = {.port = rig.port, .target = target, .headers = headers};
    client_ask(&question, ret_answer);
}

static void paths_of_the_interface_are_no_pages(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool page;
    } CASES[] = {{"/", true}, {"/floor", true}, {"/apiary", true}, {"/api", false},
        {"/api/v1/x", false}, {"/write", false}, {"/write/", false}, {"/writer", true},
        {"/metrics", false}, {"/healthz", false}, {"/readyz", false}, {"", true}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(pages_owns_path(str_of(CASES[i].path)), CASES[i].page);
    }
}

static void addresses_of_the_app_give_its_page(void **state) {
    (void)state;
    static const char *const TARGETS[] = {"/", "/floor", "/live?tag=a", "/setup", "/deep/er/page"};
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        AUTO_ANSWER struct answer answer;
        get(TARGETS[i], "", &answer);
        assert_int_equal(answer.status, 200);
        assert_true(str_starts(answer_header(&answer, "Content-Type"), STR("text/html")));
        assert_true(str_starts(buf_str(&answer.body), STR("<!doctype html>"))); // Plain.
        assert_true(str_eq(answer_header(&answer, "Cache-Control"), STR("no-cache")));
    }
    AUTO_ANSWER struct answer missing;
    get("/assets/none.js", "", &missing);
    assert_int_equal(missing.status, 404);
}

static void a_page_that_did_not_change_is_304(void **state) {
    (void)state;
    AUTO_ANSWER struct answer first;
    get("/", "", &first);
    char headers[128];
    (void)snprintf(headers, sizeof headers, "If-None-Match: \"x\", W/%.*s\r\n",
        STR_ARG(answer_header(&first, "ETag")));
    AUTO_ANSWER struct answer second;
    get("/", headers, &second);
    assert_int_equal(second.status, 304);
    AUTO_ANSWER struct answer other;
    get("/", "If-None-Match: \"x\"\r\n", &other);
    assert_int_equal(other.status, 200);
}

static void every_embedded_file_is_served_as_it_is(void **state) {
    (void)state;
    uint32_t count = 0;
    for (const struct page_asset *asset = PAGE_ASSETS; asset->path; asset++) {
        AUTO_ANSWER struct answer packed;
        get(asset->path, "Accept-Encoding: br, gzip\r\n", &packed);
        assert_int_equal(packed.status, 200);
        assert_true(str_eq(answer_header(&packed, "Content-Type"), str_of(asset->mime)));
        struct str want = asset->gzip ? (struct str){(const char *)asset->gzip, asset->gzip_size}
                                      : (struct str){(const char *)asset->data, asset->size};
        assert_true(str_eq(buf_str(&packed.body), want));
        assert_true(str_eq(
            answer_header(&packed, "Content-Encoding"), asset->gzip ? STR("gzip") : STR("")));
        struct str keep = answer_header(&packed, "Cache-Control");
        assert_int_equal(asset->immutable, str_ends(keep, STR("immutable")));
        count++;
    }
    assert_true(count >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_the_interface_are_no_pages),
        cmocka_unit_test(addresses_of_the_app_give_its_page),
        cmocka_unit_test(a_page_that_did_not_change_is_304),
        cmocka_unit_test(every_embedded_file_is_served_as_it_is),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}

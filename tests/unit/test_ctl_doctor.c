/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl doctor: the configuration of the gateway, put together from the pages of its answer. The
 * sources are included: they belong to the program, not to the library.
 */
#include "controlplane/ctl_client.c"
#include "controlplane/ctl_doctor.c"
#include "controlplane/ctl_pages.c"
#include "controlplane/ctl_text.c"

#include "tests/unit/suite.h"

static struct text all;

static void page(const char *json)
{
    cJSON *o = cJSON_Parse(json);

    ck_assert_ptr_nonnull(o);
    take_config(&all, "show config", o);
    cJSON_Delete(o);
}

static void setup(void)
{
    all = (struct text){0};
}

static void teardown(void)
{
    free(all.text);
}

/* Also by the address sanitizer: a page without text must not lose the text that is there. */
START_TEST(test_pages)
{
    page("{\"yaml\":\"site: paris\\n\"}");
    for (int i = 0; i < 100; i++) {
        page("{}");
        page("{\"yaml\":7}");
        page("{\"yaml\":\"\"}");
        page("{\"yaml\":\"# and so on\\n\"}");
    }
    ck_assert_uint_eq(all.len, 12 + 100 * 12);
    ck_assert_uint_eq(strlen(all.text), all.len);
    ck_assert_int_eq(strncmp(all.text, "site: paris\n# and", 17), 0);
}
END_TEST

START_TEST(test_nothing)
{
    page("{}");
    ck_assert_ptr_null(all.text);
    ck_assert_ptr_null(parse(&all));
}
END_TEST

/* A text with a hole in it is none. */
START_TEST(test_too_long)
{
    const size_t n = 4u << 20;
    cJSON *o = cJSON_CreateObject();
    char *text = malloc(n + 1);

    memset(text, '#', n);
    text[n] = '\0';
    cJSON_AddStringToObject(o, "yaml", text);
    for (int i = 0; i < 5; i++)
        take_config(&all, "show config", o);
    page("{\"yaml\":\"site: paris\\n\"}");
    ck_assert_ptr_null(parse(&all));
    ck_assert_ptr_null(all.text);
    cJSON_Delete(o);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl_doctor");
    TCase *c = tcase_create("configuration");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_pages);
    tcase_add_test(c, test_nothing);
    tcase_add_test(c, test_too_long);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}

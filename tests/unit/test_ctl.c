/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl's rendering: tables, numbers, text from the daemon made harmless, pages joined for -j.
 */
#include "tests/unit/ctl_rig.h"
#include "tests/unit/suite.h"

START_TEST(test_safe_text)
{
    static const char *const cases[][2] = {
        {"trunk", "trunk"},
        {"m\xc3\xbcnchen", "m\xc3\xbcnchen"},
        {"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"},
        {"a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* CSI as C1 */
        {"\x9b"
         "2J",
         "\\x9b2J"}, /* the same, no UTF-8 */
        {"\xe2\x80\xae"
         "abc",
         "\\xe2\\x80\\xaeabc"},                       /* right-to-left override */
        {"\xc0\x9b", "\\xc0\\x9b"},                   /* overlong */
        {"\xe2\x82", "\\xe2\\x82"},                   /* cut short */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {"\xff\xfe", "\\xff\\xfe"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *safe = ctl_safe(cases[i][0], false);

        ck_assert_str_eq(safe, cases[i][1]);
        free(safe);
    }
    output = ctl_safe("a\nb\x1b", true);
    ck_assert_str_eq(output, "a\nb\\x1b");
    ck_assert_uint_eq(ctl_width("m\xc3\xbcnchen"), 7);
}
END_TEST

START_TEST(test_units)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},         {999, "999"},     {999.4, "999"},  {1000, "1.00k"},  {9994, "9.99k"},
                 {9996, "10.0k"},  {99949, "99.9k"}, {99960, "100k"}, {999499, "999k"}, {999600, "1.00M"},
                 {1.5e9, "1.50G"}, {2e12, "2.00T"},  {3e15, "3.00P"}, {1.8e19, "18.0E"}};
    char buf[CTL_NUMBER_LEN];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(ctl_units(cases[i].v, buf), cases[i].text);
}
END_TEST

START_TEST(test_grouped_and_duration)
{
    char buf[CTL_NUMBER_LEN];

    ck_assert_str_eq(ctl_grouped(0, buf), "0");
    ck_assert_str_eq(ctl_grouped(999, buf), "999");
    ck_assert_str_eq(ctl_grouped(1048576, buf), "1,048,576");
    ck_assert_str_eq(ctl_grouped(-1, buf), "?");
    ck_assert_str_eq(ctl_grouped(1e300, buf), "?");
    ck_assert_str_eq(ctl_duration(0, buf), "0s");
    ck_assert_str_eq(ctl_duration(59, buf), "59s");
    ck_assert_str_eq(ctl_duration(192, buf), "3m12s");
    ck_assert_str_eq(ctl_duration(18120, buf), "5h02m");
    ck_assert_str_eq(ctl_duration(1051200, buf), "12d04h");
    ck_assert_str_eq(ctl_duration(-5, buf), "0s");
}
END_TEST

/* ---- tables */

static const struct ctl_column columns[] = {{"NAME", false, 0, 8},
                                            {"N", true, 0, 0},
                                            {"SPARE", false, 2, 0},
                                            {"LESS", false, 1, 0},
                                            {"TEXT", false, 0, 6}};

static void fill(struct ctl_table *t, const char *name, const char *text)
{
    ctl_table_cell(t, name);
    ctl_table_cell(t, "12");
    ctl_table_cell(t, "s");
    ctl_table_cell(t, "l");
    ctl_table_cell(t, text);
}

static const char *table(unsigned width, const char *name, const char *text)
{
    struct ctl_table *t = ctl_table_new(columns, 5, width);
    FILE *f = capture();

    fill(t, name, text);
    ctl_table_print(t, f);
    fclose(f);
    ctl_table_free(t);
    return output;
}

START_TEST(test_table_aligned)
{
    ck_assert_str_eq(table(80, "trunk", NULL), "NAME    N  SPARE  LESS  TEXT\n"
                                               "trunk  12  s      l     -\n");
    ck_assert_str_eq(
        table(0, "trunk", "a text as long as it likes to be, a text as long as it likes to be"),
        "NAME    N  SPARE  LESS  TEXT\n"
        "trunk  12  s      l     a text as long as it likes to be, a text as long as it likes to be\n");
}
END_TEST

/* The least wanted column goes first, the next after it, then texts are cut. */
START_TEST(test_table_fits)
{
    ck_assert_str_eq(table(23, "trunk", "text"), "NAME    N  LESS  TEXT\n"
                                                 "trunk  12  l     text\n");
    ck_assert_str_eq(table(20, "trunk", "text"), "NAME    N  TEXT\n"
                                                 "trunk  12  text\n");
    ck_assert_str_eq(table(22, "trunk", "a longer text"), "NAME    N  TEXT\n"
                                                          "trunk  12  a longer\n"
                                                          "           text\n");
    ck_assert_str_eq(table(19, "a-long-name", "text"), "NAME        N  TEXT\n"
                                                       "a-long-..  12  text\n");
}
END_TEST

#define UE "\xc3\xbc" /* one character, two bytes */

START_TEST(test_table_cuts_between_characters)
{
    ck_assert_str_eq(table(22, "trunk", UE UE UE UE UE UE UE UE UE UE UE UE),
                     "NAME    N  TEXT\n"
                     "trunk  12  " UE UE UE UE UE UE UE UE UE UE UE "\n           " UE "\n");
    ck_assert_str_eq(table(18, UE UE UE UE UE UE UE UE UE UE UE UE, "text"),
                     "NAME       N  TEXT\n" UE UE UE UE UE UE "..  12  text\n");
}
END_TEST

START_TEST(test_table_in_parts)
{
    struct ctl_table *t = ctl_table_new(columns, 5, 23);
    FILE *f = capture();

    fill(t, "trunk", "text");
    ctl_table_print(t, f);
    fill(t, "lab", "longer");
    ctl_table_print(t, f);
    ctl_table_print(t, f);
    fclose(f);
    ck_assert_str_eq(output, "NAME    N  LESS  TEXT\n"
                             "trunk  12  l     text\n"
                             "lab    12  l     longer\n");
    ctl_table_free(t);
}
END_TEST

START_TEST(test_table_escapes)
{
    ck_assert_str_eq(table(80, "\x1b[2J", "a\nb"), "NAME      N  SPARE  LESS  TEXT\n"
                                                   "\\x1b[2J  12  s      l     a\\x0ab\n");
}
END_TEST

/* ---- -j */

START_TEST(test_json_pages_joined)
{
    static const char *const pages[] = {
        "{\"total\":3,\"rows\":[{\"a\":1},{\"a\":\"x\"}],\"yaml\":\"a: \\\"b\\\"\\n\",\"next\":2}",
        "{\"total\":4,\"rows\":[{\"a\":null}],\"yaml\":\"c: d\\n\",\"more\":[]}"};
    struct ctl_json *j = ctl_json_new();
    FILE *f = capture();
    cJSON *all;

    for (int i = 0; i < 2; i++) {
        cJSON *page = parse(pages[i]);

        ctl_json_page(j, page);
        cJSON_Delete(page);
    }
    ctl_json_print(j, f);
    fclose(f);
    ctl_json_free(j);
    ck_assert_str_eq(output, "{\n\"total\":3,\n\"rows\":[\n{\"a\":1},\n{\"a\":\"x\"},\n{\"a\":null}],\n"
                             "\"yaml\":\"a: \\\"b\\\"\\nc: d\\n\",\n\"more\":[]\n}\n");
    all = parse(output);
    ck_assert_str_eq(cJSON_GetObjectItem(all, "yaml")->valuestring, "a: \"b\"\nc: d\n");
    cJSON_Delete(all);
}
END_TEST

static const char *as_json(const char *page)
{
    struct ctl_json *j = ctl_json_new();
    cJSON *json = parse(page);
    FILE *f = capture();

    ctl_json_page(j, json);
    cJSON_Delete(json);
    ctl_json_print(j, f);
    fclose(f);
    ctl_json_free(j);
    return output;
}

START_TEST(test_json_numbers)
{
    ck_assert_str_eq(
        as_json("{\"a\":1000000000000000,\"b\":{\"c\":[123456789012345678,1.5]},\"d\":9007199254740991}"),
        "{\n\"a\":1000000000000000,\n\"b\":{\"c\":[123456789012345680,1.5]},\n\"d\":9007199254740991\n}\n");
}
END_TEST

START_TEST(test_json_escapes)
{
    ck_assert_str_eq(
        as_json("{\"a\":\"\\u001b\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xbc\",\"\xc2\x9b\":[\"\x9b\"]}"),
        "{\n\"a\":\"\\u001b\\u007f\\u009b\\u202e\\ufffd\xc3\xbc\",\n\"\\u009b\":[\n\"\\ufffd\"]\n}\n");
    cJSON_Delete(parse(output));
}
END_TEST

START_TEST(test_json_nothing)
{
    ck_assert_str_eq(as_json("{}"), "{\n}\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl");
    TCase *c = tcase_create("rendering");

    tcase_add_test(c, test_safe_text);
    tcase_add_test(c, test_units);
    tcase_add_test(c, test_grouped_and_duration);
    tcase_add_test(c, test_table_aligned);
    tcase_add_test(c, test_table_fits);
    tcase_add_test(c, test_table_cuts_between_characters);
    tcase_add_test(c, test_table_in_parts);
    tcase_add_test(c, test_table_escapes);
    tcase_add_test(c, test_json_pages_joined);
    tcase_add_test(c, test_json_numbers);
    tcase_add_test(c, test_json_escapes);
    tcase_add_test(c, test_json_nothing);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}

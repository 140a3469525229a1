/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text forms of route distinguishers and route targets.
 */
#include "conf/conf_rt.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static const struct {
    const char *text;
    uint8_t rd[8], rt[8];
} rts[] = {
    {"65000:10100", {0, 0, 0xfd, 0xe8, 0, 0, 0x27, 0x74}, {0, 2, 0xfd, 0xe8, 0, 0, 0x27, 0x74}},
    {"1:0", {0, 0, 0, 1, 0, 0, 0, 0}, {0, 2, 0, 1, 0, 0, 0, 0}},
    {"65535:4294967295",
     {0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     {0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {"198.18.0.1:100", {0, 1, 198, 18, 0, 1, 0, 100}, {1, 2, 198, 18, 0, 1, 0, 100}},
    {"255.255.255.255:65535", {0, 1, 255, 255, 255, 255, 0xff, 0xff}, {1, 2, 255, 255, 255, 255, 0xff, 0xff}},
    {"65536:7", {0, 2, 0, 1, 0, 0, 0, 7}, {2, 2, 0, 1, 0, 0, 0, 7}},
    {"4294967295:65535",
     {0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     {2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
};

START_TEST(test_R3_3_text_of_rd_and_rt)
{
    struct conf_rd rd;
    struct conf_rt rt;
    char buf[CONF_RT_STRLEN];

    ck_assert_ptr_null(conf_rd_parse(rts[_i].text, &rd));
    ck_assert_mem_eq(rd.b, rts[_i].rd, 8);
    ck_assert_str_eq(conf_rd_format(&rd, buf), rts[_i].text);
    ck_assert_ptr_null(conf_rt_parse(rts[_i].text, &rt));
    ck_assert_mem_eq(rt.b, rts[_i].rt, 8);
    ck_assert_str_eq(conf_rt_format(&rt, buf), rts[_i].text);
}
END_TEST

static const char *const no_rts[] = {
    "",
    ":",
    "65000",
    "65000:",
    ":1",
    "65000:1 ",
    " 65000:1",
    "65000:1:2",
    "-1:1",
    "+1:1",
    "1:-1",
    "0:1",
    "01:1",
    "1:01",
    "0.0.0.0:1",
    "198.18.0:1",
    "198.18.0.1.2:1",
    "198.18.0.256:1",
    "1.2:3",
    "fd00::1:1",
    "4294967296:1",
    "99999999999999999999999:1",
    "1:4294967296",
    "1:99999999999999999999999",
    "65536:65536",
    "198.18.0.1:65536",
    "255.255.255.255.255.255.255.255.255.255.255.255.255.255:1",
};

START_TEST(test_R3_3_no_rd_or_rt)
{
    struct conf_rd rd = {{1, 2, 3, 4, 5, 6, 7, 8}}, rd_before = rd;
    struct conf_rt rt = {{1, 2, 3, 4, 5, 6, 7, 8}}, rt_before = rt;

    ck_assert_msg(conf_rd_parse(no_rts[_i], &rd), "%s", no_rts[_i]);
    ck_assert_msg(conf_rt_parse(no_rts[_i], &rt), "%s", no_rts[_i]);
    ck_assert_mem_eq(&rd, &rd_before, sizeof(rd));
    ck_assert_mem_eq(&rt, &rt_before, sizeof(rt));
}
END_TEST

START_TEST(test_R3_3_rd_made)
{
    struct conf_rd rd = conf_rd_make(0xc6120001, 4094), same;
    char buf[CONF_RT_STRLEN];

    ck_assert_str_eq(conf_rd_format(&rd, buf), "198.18.0.1:4094");
    ck_assert_ptr_null(conf_rd_parse(buf, &same));
    ck_assert_mem_eq(&rd, &same, sizeof(rd));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf_rt");
    TCase *tc = tcase_create("conf_rt");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, test_R3_3_text_of_rd_and_rt, 0, (int)COUNT(rts));
    tcase_add_loop_test(tc, test_R3_3_no_rd_or_rt, 0, (int)COUNT(no_rts));
    tcase_add_test(tc, test_R3_3_rd_made);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a line of the log looks like, whatever is put into it, and what becomes of lines that repeat
 * themselves.
 */
#include "conf/log_line.h"
#include "conf/log_repeat.h"

#include "tests/unit/suite.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define NOW    (UINT64_C(1795346414) * SECOND + 123456789) /* 2026-11-22T11:20:14Z */

static char buf[LOG_LINE_SIZE];

static const char *format(const struct log_line *l, enum log_format f, bool journal)
{
    size_t n = log_line_format(l, f, journal, buf, sizeof(buf));

    ck_assert_uint_eq(n, strlen(buf));
    ck_assert_uint_gt(n, 0);
    ck_assert_msg(strchr(buf, '\n') == buf + n - 1, "not one line: %.500s", buf);
    return buf;
}

static const char *member(const cJSON *o, const char *name)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);

    ck_assert_msg(cJSON_IsString(m), "no %s", name);
    return m->valuestring;
}

START_TEST(test_text)
{
    struct log_fields f = {0};
    struct log_line l = {LOG_LEVEL_WARNING, "bgp", "session down", &f, 0, NOW};

    log_field(&f, "event", "session-down");
    log_field(&f, "peer", "2001:db8::1");
    log_field(&f, "why", "it \"said\" a=b");
    log_field(&f, "empty", "%s", "");
    ck_assert_str_eq(format(&l, LOG_FORMAT_TEXT, false),
                     "2026-11-22T11:20:14.123Z warning bgp: session down event=session-down peer=2001:db8::1 "
                     "why=\"it \\\"said\\\" a=b\" empty=\"\"\n");
    l.repeated = 7;
    l.fields = NULL;
    ck_assert_str_eq(format(&l, LOG_FORMAT_TEXT, false),
                     "2026-11-22T11:20:14.123Z warning bgp: session down (repeated 7 times) repeated=7\n");
}
END_TEST

START_TEST(test_journal_has_priorities_and_a_clock_of_its_own)
{
    static const char *const lines[LOG_LEVELS] = {"<3>error x: y\n", "<4>warning x: y\n", "<6>info x: y\n",
                                                  "<7>debug x: y\n"};

    for (unsigned i = 0; i < LOG_LEVELS; i++) {
        struct log_line l = {(enum log_level)i, "x", "y", NULL, 0, NOW};

        ck_assert_str_eq(format(&l, LOG_FORMAT_TEXT, true), lines[i]);
        ck_assert_int_eq(strncmp(format(&l, LOG_FORMAT_JSON, true), lines[i], 3), 0);
        ck_assert_int_eq(buf[3], '{');
    }
}
END_TEST

START_TEST(test_json)
{
    struct log_fields f = {0};
    struct log_line l = {LOG_LEVEL_ERROR, "macs", "a \"quoted\" \\ text", &f, 3, NOW};
    cJSON *o;

    log_field(&f, "mac", "02:00:00:00:00:01");
    o = cJSON_Parse(format(&l, LOG_FORMAT_JSON, false));
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(member(o, "time"), "2026-11-22T11:20:14.123Z");
    ck_assert_str_eq(member(o, "level"), "error");
    ck_assert_str_eq(member(o, "subsystem"), "macs");
    ck_assert_str_eq(member(o, "message"), "a \"quoted\" \\\\ text");
    ck_assert_str_eq(member(o, "mac"), "02:00:00:00:00:01");
    ck_assert_str_eq(member(o, "repeated"), "3");
    cJSON_Delete(o);
}
END_TEST

/* A peer's words and a host's name: none of them ends the line, begins another, or turns its direction. */
static const struct {
    const char *injected, *shown;
} attacks[] = {
    {"x\n<3>error bgp: forged", "x\\x0a<3>error bgp: forged"},
    {"x\r\n\x1b[2J", "x\\x0d\\x0a\\x1b[2J"},
    {"\xc2\x85next", "\\xc2\\x85next"},          /* NEL, a C1 control */
    {"\xe2\x80\xa8line", "\\xe2\\x80\\xa8line"}, /* line separator */
    {"\xe2\x80\xaetrap", "\\xe2\\x80\\xaetrap"}, /* right to left */
    {"\xff\xc3(\x80", "\\xff\\xc3(\\x80"},       /* no UTF-8 */
    {"caf\xc3\xa9", "caf\xc3\xa9"},              /* harmless */
    {"\\x0a", "\\\\x0a"},                        /* not taken for an escape of ours */
};

START_TEST(test_nothing_forges_a_line)
{
    struct log_fields f = {0};
    struct log_line l = {LOG_LEVEL_INFO, "bgp", attacks[_i].injected, &f, 0, NOW};
    cJSON *o;

    log_field(&f, "text", "%s", attacks[_i].injected);
    format(&l, LOG_FORMAT_TEXT, false);
    ck_assert_msg(strstr(buf, attacks[_i].shown), "%s: %s", attacks[_i].shown, buf);
    o = cJSON_Parse(format(&l, LOG_FORMAT_JSON, false));
    ck_assert_msg(o != NULL, "no JSON: %.500s", buf);
    ck_assert_str_eq(member(o, "message"), attacks[_i].shown);
    ck_assert_str_eq(member(o, "text"), attacks[_i].shown);
    cJSON_Delete(o);
}
END_TEST

/* Every byte there is, and more than a line takes: still one line, and JSON. */
START_TEST(test_too_long)
{
    static char text[3 * LOG_LINE_SIZE];
    struct log_fields f = {0};
    struct log_line l = {LOG_LEVEL_INFO, "x", text, &f, UINT64_MAX, NOW};
    cJSON *o;

    for (unsigned i = 0; i < 10 * LOG_MAX_FIELDS; i++)
        log_field(&f, "key", "%.*s", 200,
                  "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
    ck_assert_uint_le(f.n, LOG_MAX_FIELDS);
    for (size_t n = 1; n < sizeof(text); n += n < 64 ? 1 : 97) {
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(1 + (i * 7 + n) % 255);
        text[n] = '\0';
        format(&l, LOG_FORMAT_TEXT, true);
        o = cJSON_Parse(format(&l, LOG_FORMAT_JSON, false));
        ck_assert_msg(o != NULL, "%zu bytes: no JSON: %.500s", n, buf);
        cJSON_Delete(o);
    }
}
END_TEST

START_TEST(test_fields_are_whole_or_not_there)
{
    struct log_fields f = {0};
    char big[LOG_FIELDS_SIZE + 1];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_field(&f, "a", "1");
    log_field(&f, "big", "%s", big);
    log_field(&f, "b", "2");
    ck_assert_uint_eq(f.n, 2);
    ck_assert_str_eq(f.text + f.field[1].at, "2");
}
END_TEST

/* ---- repeats */

static struct log_repeat repeat;
static unsigned said;
static uint64_t said_repeated;
static char said_message[64], said_peer[64];

static void say(void *arg, const struct log_line *l)
{
    ck_assert_ptr_null(arg);
    said++;
    said_repeated += l->repeated;
    snprintf(said_message, sizeof(said_message), "%s", l->message);
    snprintf(said_peer, sizeof(said_peer), "%s", l->fields->n ? l->fields->text : "");
}

static bool pass(const char *message, const char *peer, uint64_t now)
{
    struct log_fields f = {0};
    struct log_line l = {LOG_LEVEL_WARNING, "bgp", message, peer ? &f : NULL, 0, 0};

    if (peer)
        log_field(&f, "peer", "%s", peer);
    return log_repeat_pass(&repeat, &l, now, say, NULL);
}

static void fresh(void)
{
    memset(&repeat, 0, sizeof(repeat));
    said = 0;
    said_repeated = 0;
}

START_TEST(test_repeats_are_counted)
{
    unsigned passed = 0;

    fresh();
    for (unsigned i = 0; i < 1000; i++) {
        passed += pass("down", "a", SECOND + i);
        ck_assert(i >= LOG_REPEAT_LINES || passed == i + 1);
    }
    ck_assert_uint_eq(passed, LOG_REPEAT_LINES);
    ck_assert(pass("down", "b", SECOND + 1000)); /* another peer is another line */
    ck_assert(pass("down", NULL, SECOND + 1000));
    ck_assert(pass("up", "a", SECOND + 1000));
    log_repeat_flush(&repeat, SECOND + LOG_REPEAT_NS - 1, false, say, NULL);
    ck_assert_uint_eq(said, 0);
    log_repeat_flush(&repeat, SECOND + LOG_REPEAT_NS, false, say, NULL);
    ck_assert_uint_eq(said, 1);
    ck_assert_uint_eq(said_repeated, 1000 - LOG_REPEAT_LINES);
    ck_assert_str_eq(said_message, "down");
    ck_assert_str_eq(said_peer, "a");
    ck_assert(pass("down", "a", SECOND + LOG_REPEAT_NS)); /* a new round */
}
END_TEST

/* None is lost: what is written and what is counted is what came, whichever kinds have to make room. */
START_TEST(test_none_is_lost)
{
    uint64_t came = 0, passed = 0, now = 0;
    uint32_t random = 1;
    char message[16];

    fresh();
    for (unsigned i = 0; i < 100000; i++) {
        random = random * 1664525u + 1013904223u;
        snprintf(message, sizeof(message), "m%u", (random >> 16) % (LOG_REPEAT_KINDS + 2));
        now += (random >> 8) % 4000000;
        came++;
        passed += pass(message, NULL, now);
    }
    log_repeat_flush(&repeat, now, true, say, NULL);
    ck_assert_uint_eq(came, passed + said_repeated);
    ck_assert_uint_gt(said, 0);
    said = 0;
    log_repeat_flush(&repeat, now, true, say, NULL);
    ck_assert_uint_eq(said, 0);
}
END_TEST

START_TEST(test_levels)
{
    enum log_level level;

    for (unsigned i = 0; i < LOG_LEVELS; i++) {
        ck_assert(log_level_parse(log_level_name((enum log_level)i), &level));
        ck_assert_int_eq((int)level, (int)i);
    }
    ck_assert(!log_level_parse("Info", &level) && !log_level_parse("", &level));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");

    tcase_add_test(t, test_text);
    tcase_add_test(t, test_journal_has_priorities_and_a_clock_of_its_own);
    tcase_add_test(t, test_json);
    tcase_add_loop_test(t, test_nothing_forges_a_line, 0, (int)(sizeof(attacks) / sizeof(attacks[0])));
    tcase_add_test(t, test_too_long);
    tcase_add_test(t, test_fields_are_whole_or_not_there);
    tcase_add_test(t, test_repeats_are_counted);
    tcase_add_test(t, test_none_is_lost);
    tcase_add_test(t, test_levels);
    suite_add_tcase(s, t);
    return run_suite(s);
}

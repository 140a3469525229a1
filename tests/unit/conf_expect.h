/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For tests of configurations that do not load. An @ stands before each place that a message must point at;
 * it is taken out before the text is loaded. There must be exactly as many messages as there are @, in order:
 * a mistake found twice, or one that follows from another, fails the test.
 */
#ifndef TESTS_UNIT_CONF_EXPECT_H
#define TESTS_UNIT_CONF_EXPECT_H

#include "conf/conf.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

/* The smallest configuration, in parts that tests replace. */
#define HEAD  "site: s\ngateway: g\n"
#define UNDER "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
#define ACC   "access: [ { name: t, interface: lan0 } ]\n"
#define NETS  "networks: [ { name: web, vlan: 100, vni: 10100 } ]\n"
#define BASE  HEAD UNDER ACC NETS

/* Around one part. */
#define NETWORK(text)  HEAD UNDER ACC "networks:\n  - { name: web, vlan: 100, vni: 10100, " text " }\n"
#define NETWORKS(text) HEAD UNDER ACC "networks:\n" text

/* One mistake and a part of what is said about it. */
struct mistake {
    const char *what, *yaml, *needle;
};

/* Takes the @ out of marked; returns how many there were, with their places. The caller frees *yaml. */
static inline size_t unmark(const char *marked, char **yaml, unsigned line[], unsigned col[], size_t max)
{
    unsigned l = 1, c = 1;
    size_t n = 0;
    char *out = malloc(strlen(marked) + 1);

    ck_assert_ptr_nonnull(out);
    *yaml = out;
    for (const char *p = marked; *p; p++) {
        if (*p == '@') {
            ck_assert_uint_lt(n, max);
            line[n] = l;
            col[n++] = c;
            continue;
        }
        *out++ = *p;
        if (*p == '\n') {
            l++;
            c = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            c++;
        }
    }
    *out = '\0';
    return n;
}

/* Loading fails with one message for each @, and message i has needles[i] in it. */
static inline void expect(const char *what, const char *marked, const char *const needles[])
{
    unsigned line[64], col[64];
    struct conf_errors errors;
    struct conf *c;
    char *yaml;
    size_t n = unmark(marked, &yaml, line, col, 64);

    c = conf_load_string("FILE", yaml, strlen(yaml), &errors);
    ck_assert_msg(!c, "%s: loads", what);
    for (size_t i = 0; i < errors.n && i < n; i++) {
        char where[64];

        snprintf(where, sizeof(where), "FILE:%u:%u: ", line[i], col[i]);
        ck_assert_msg(strncmp(errors.text[i], where, strlen(where)) == 0, "%s: expected at %s found %s", what,
                      where, errors.text[i]);
        ck_assert_msg(strstr(errors.text[i], needles[i]), "%s: no \"%s\" in %s", what, needles[i],
                      errors.text[i]);
    }
    ck_assert_msg(errors.n == n, "%s: %zu messages, expected %zu; the last: %s", what, errors.n, n,
                  errors.n ? errors.text[errors.n - 1] : "");
    conf_errors_free(&errors);
    free(yaml);
}

#endif

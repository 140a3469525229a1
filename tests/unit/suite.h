/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The end of a unit test program's main().
 */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Long walks take so many times their shortest: under ASan each step costs five to ten times as much. */
#ifdef __SANITIZE_ADDRESS__
#define SCALE 1u
#else
#define SCALE 5u
#endif

/* Runs it and frees it; the exit status. */
static inline int run_suite_as(Suite *s, enum fork_status fork)
{
    SRunner *runner = srunner_create(s);
    int failed;

    srunner_set_fork_status(runner, fork);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int run_suite(Suite *s)
{
    return run_suite_as(s, CK_FORK_GETENV);
}

/* All tests in this process: for those that have threads. */
static inline int run_suite_in_process(Suite *s)
{
    return run_suite_as(s, CK_NOFORK);
}

#endif

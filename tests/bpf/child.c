/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See child.h.
 */
#include "tests/bpf/child.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t child_start(void (*fn)(void))
{
    int ready[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fn();
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_msg(read(ready[0], &c, 1) == 1, "the child ended early");
    close(ready[0]);
    return pid;
}

void child_kill(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

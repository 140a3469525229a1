/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is given up is gone, and what is needed is not. In a process of its own, if that has any rights.
 */
#include "controlplane/privilege.h"

#include "conf/conf.h"
#include "tests/unit/suite.h"

#include <linux/capability.h>
#include <stdio.h>

START_TEST(test_given_up)
{
    static const int others[] = {CAP_SYS_MODULE, CAP_DAC_OVERRIDE, CAP_SYS_PTRACE};
    bool interface = _i == 1, net_admin = privilege_has(CAP_NET_ADMIN);
    bool sys_admin = privilege_has(CAP_SYS_ADMIN);
    struct conf conf = {.underlay.port.kind = interface ? CONF_PORT_INTERFACE : CONF_PORT_DPDK};

    snprintf(conf.underlay.port.device, sizeof(conf.underlay.port.device), "%s",
             interface ? "wan0" : "net_tap0");
    ck_assert_int_eq(privilege_drop(&conf), 0);
    ck_assert(privilege_has(CAP_SYS_ADMIN) == (sys_admin && interface));
    ck_assert(privilege_has(CAP_NET_ADMIN) == net_admin);
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert(!privilege_has(others[i]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("privilege");
    TCase *c = tcase_create("privilege");

    tcase_add_loop_test(c, test_given_up, 0, 2);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fastpath_world.h.
 */
#include "tests/bpf/fastpath_world.h"

#include "conf/log.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* In a mount namespace of its own, so nothing is left whatever happens. */
static const char *const mount_point = "/sys/fs/bpf";
char world_dir[64];
char world_err[FASTPATH_ERR_LEN];
struct fastpath_config world_config = {.gateway = "paris-1", .dir = world_dir, .max_macs = 1024};

void world_sh(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

void world_setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
    ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(mount("bpf", mount_point, "bpf", 0, NULL), 0);
    snprintf(world_dir, sizeof(world_dir), "%s/causeway", mount_point);
    world_sh("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && ip link set lo up");
}

int world_run(Suite *s)
{
    if (geteuid() == 0)
        return run_suite(s);
    printf("skipped: BPF and namespaces need root\n");
    srunner_free(srunner_create(s));
    return EXIT_SUCCESS;
}

struct fastpath *world_open(void)
{
    struct fastpath *fp = NULL;
    int rc = fastpath_open(&world_config, &fp, world_err, sizeof(world_err));

    ck_assert_msg(rc == 0, "%d: %s", rc, world_err);
    return fp;
}

void world_remove(int want)
{
    int rc = fastpath_remove(world_dir, world_config.gateway, world_err, sizeof(world_err));

    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, world_err);
}

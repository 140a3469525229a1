/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See privilege.h. By the system calls themselves: they are three, and libcap would be one more library in
 * the process that it is to protect.
 */
#include "controlplane/privilege.h"

#include "conf/conf.h"
#include "conf/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS _LINUX_CAPABILITY_U32S_3

struct privilege {
    int cap;
    const char *name, *what;
};

#define X(cap, what) {cap, #cap, what},
static const struct privilege needed[] = {PRIVILEGES(X)};
static const struct privilege wished[] = {PRIVILEGES_WISHED(X)};
#undef X

#define N_NEEDED (sizeof(needed) / sizeof(needed[0]))
#define N_WISHED (sizeof(wished) / sizeof(wished[0]))

static int get(struct __user_cap_data_struct data[WORDS])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static bool needs(const struct conf *conf, int cap)
{
    return cap != CAP_SYS_ADMIN || conf_needs_sys_admin(conf);
}

static bool is_in(const struct __user_cap_data_struct data[WORDS], int cap)
{
    return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool privilege_has(int cap)
{
    struct __user_cap_data_struct data[WORDS] = {0};

    return get(data) < 0 || is_in(data, cap);
}

bool privilege_check(const struct conf *conf)
{
    struct __user_cap_data_struct data[WORDS] = {0};
    bool ok = true;

    if (get(data) < 0)
        return true; /* cannot tell; what fails later says why */
    for (size_t i = 0; i < N_NEEDED; i++) {
        if (!needs(conf, needed[i].cap) || is_in(data, needed[i].cap))
            continue;
        log_error("causewayd", "missing %s (%s)", needed[i].name, needed[i].what);
        ok = false;
    }
    if (!ok)
        log_error("causewayd", "not enough rights: run it as root, or give it these capabilities%s",
                  geteuid() == 0 ? " (root has lost them here: a container?)" : "");
    return ok;
}

static void keep(uint32_t mask[WORDS], const struct conf *conf, const struct privilege *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (needs(conf, list[i].cap))
            mask[CAP_TO_INDEX(list[i].cap)] |= CAP_TO_MASK(list[i].cap);
}

/* What execve() could give back. Needs CAP_SETPCAP; who has none gets nothing back by execve() but as root,
 * and that no_new_privs does not mend. */
static void drop_bounding(const uint32_t mask[WORDS])
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0 && cap < 32 * WORDS; cap++)
        if (!(mask[CAP_TO_INDEX(cap)] & CAP_TO_MASK(cap)))
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int privilege_drop(const struct conf *conf)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[WORDS] = {0};
    uint32_t mask[WORDS] = {0};
    int rc = get(data);

    if (rc < 0)
        return rc;
    keep(mask, conf, needed, N_NEEDED);
    keep(mask, conf, wished, N_WISHED);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    drop_bounding(mask);
    for (unsigned i = 0; i < WORDS; i++) {
        data[i].effective &= mask[i];
        data[i].permitted &= mask[i];
        data[i].inheritable = 0; /* and with it the ambient set: nothing is started from here */
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

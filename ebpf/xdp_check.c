/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Before a program of ours goes on an interface; see xdp_check.h. Control thread only.
 *
 * Tricky: what may be on the interface already. A program on a bpf_link has an owner that lives (or is
 * pinned). One that was attached through netlink stays when its process dies: that is how libxdp attaches its
 * default program for any DPDK or other AF_XDP process, so it may be in use or a left-over. The two are told
 * apart by looking for a process that still has the program open. Programs by any other name are never
 * touched.
 */
#include "ebpf/xdp_check.h"

#include "conf/log.h"
#include "ebpf/fail.h"
#include "ebpf/nic.h"
#include "ebpf/xdp_holder.h"
#include "ebpf/xdp_message.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define SUBSYSTEM       "xdp"
#define DEFAULT_PROGRAM "xsk_def_prog" /* libxdp's, and so ours */

/* ---- before anything is changed
 * ------------------------------------------------------------------------------ */

/* SYS_ADMIN and not BPF: programs and maps are looked up by id, by libxdp as well. */
static int check_rights(char *err, size_t err_len)
{
    static const struct {
        unsigned bit;
        const char *name;
    } needed[] = {
        {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
        {CAP_NET_RAW, "CAP_NET_RAW"},
        {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
    };
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, data))
        return 0;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!(data[needed[i].bit / 32].effective & (1u << needed[i].bit % 32)))
            return fail(err, err_len, -EPERM, "no right to use XDP: run as root, or with %s", needed[i].name);
    }
    return 0;
}

static int check_interface(const struct xdp_config *config, int *ifindex, char *err, size_t err_len)
{
    const char *ifname = config->ifname;
    int rc;

    if (strlen(ifname) >= IFACE_NAMELEN)
        return fail(err, err_len, -ENAMETOOLONG, "interface name '%s' is longer than %d characters", ifname,
                    IFACE_NAMELEN - 1);
    if (ifname[0] == '\0')
        return fail(err, err_len, -EINVAL, "the interface has no name");
    *ifindex = (int)if_nametoindex(ifname);
    if (*ifindex == 0)
        return fail(err, err_len, -ENODEV, "interface %s does not exist in this network namespace", ifname);
    rc = nic_is_ethernet(ifname);
    if (rc < 0)
        return fail(err, err_len, rc, "interface %s: %s", ifname, strerror(-rc));
    if (rc == 0)
        return fail(err, err_len, -EINVAL, "interface %s is not an Ethernet interface", ifname);
    if (config->take == XDP_TAKE_VXLAN && config->address.family != 4 && config->address.family != 6)
        return fail(err, err_len, -EINVAL, "interface %s: the VTEP address is missing", ifname);
    return 0;
}

static int check_queues(const char *ifname, unsigned *queues, char *err, size_t err_len)
{
    unsigned total;
    int rc = nic_queues(ifname, queues, &total);

    if (rc)
        return fail(err, err_len, rc, "interface %s: its receive queues cannot be counted: %s", ifname,
                    strerror(-rc));
    if (*queues == total)
        return 0;
    /* The other queues would carry frames past us. */
    if (*queues <= 1 && total > 1)
        return fail(err, err_len, -ENOTSUP,
                    "interface %s has %u receive queues that are not combined channels, DPDK serves %u: "
                    "'ethtool -L %s %s'",
                    ifname, total, *queues, ifname, *queues ? "rx 1" : "rx 0 tx 0 combined 1");
    return fail(err, err_len, -ENOTSUP,
                "interface %s has %u receive queues, %u of them combined channels: 'ethtool -L %s rx 0'",
                ifname, total, *queues, ifname);
}

int xdp_check(const struct xdp_config *config, int *ifindex, unsigned *queues, char *err, size_t err_len)
{
    int rc = check_interface(config, ifindex, err, err_len);

    if (!rc)
        rc = check_rights(err, err_len);
    return rc ? rc : check_queues(config->ifname, queues, err, err_len);
}

/* ---- programs that are on the interface already
 * -------------------------------------------------------------- */

/* The program `id` on the interface in the mode of `flag`: detached if it is libxdp's default one and nobody
 * has it open, else refused. */
static int remove_left_over(const char *ifname, int ifindex, uint32_t id, uint32_t flag, char *err,
                            size_t err_len)
{
    LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
    struct bpf_prog_info info = {0};
    uint32_t info_len = sizeof(info);
    struct xdp_holder holder;
    bool blind;
    int fd = bpf_prog_get_fd_by_id(id);
    int rc;

    if (fd == -ENOENT) /* gone since we asked */
        return 0;
    if (fd < 0)
        return fail(err, err_len, fd, "interface %s: XDP program %u on it cannot be looked at: %s", ifname,
                    id, strerror(-fd));
    rc = bpf_obj_get_info_by_fd(fd, &info, &info_len);
    if (rc) {
        fail(err, err_len, rc, "interface %s: XDP program %u on it cannot be looked at: %s", ifname, id,
             strerror(-rc));
    } else if (xdp_holder_find(id, &holder, &blind)) {
        rc = fail(err, err_len, -EBUSY,
                  "interface %s: its XDP program %s (id %u) belongs to process %d (%s); is another causewayd "
                  "running "
                  "on it?",
                  ifname, info.name, id, holder.pid, holder.name);
    } else if (strcmp(info.name, DEFAULT_PROGRAM) != 0) {
        rc = fail(err, err_len, -EBUSY,
                  "interface %s: another XDP program, %s (id %u), is on it; 'ip link set dev %s xdp off' "
                  "takes it away",
                  ifname, info.name, id, ifname);
    } else if (blind) {
        rc = fail(
            err, err_len, -EBUSY,
            "interface %s: the XDP program %s (id %u) is on it, and whose it is cannot be seen from here; "
            "if its process is dead, 'ip link set dev %s xdp off' takes it away",
            ifname, info.name, id, ifname);
    } else {
        opts.old_prog_fd = fd;
        rc = bpf_xdp_detach(ifindex, flag, &opts);
        if (rc)
            fail(err, err_len, rc, "interface %s: XDP program %s (id %u) cannot be taken away: %s", ifname,
                 info.name, id,
                 rc == -EBUSY ? "it is attached through a link that is pinned or of another process; "
                                "'causewayctl fastpath detach' takes away what a gateway has pinned"
                              : xdp_message_reason(rc));
        else
            log_info(SUBSYSTEM,
                     "interface %s: took away XDP program %s (id %u) that a dead process left behind", ifname,
                     info.name, id);
    }
    close(fd);
    return rc;
}

int xdp_check_left_overs(const char *ifname, int ifindex, char *err, size_t err_len)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    int rc = bpf_xdp_query(ifindex, 0, &query);

    if (rc)
        return fail(err, err_len, rc, "interface %s: its XDP programs cannot be listed: %s", ifname,
                    xdp_message_reason(rc));
    if (query.drv_prog_id)
        rc = remove_left_over(ifname, ifindex, query.drv_prog_id, XDP_FLAGS_DRV_MODE, err, err_len);
    if (!rc && query.skb_prog_id)
        rc = remove_left_over(ifname, ifindex, query.skb_prog_id, XDP_FLAGS_SKB_MODE, err, err_len);
    if (!rc && query.hw_prog_id)
        rc = remove_left_over(ifname, ifindex, query.hw_prog_id, XDP_FLAGS_HW_MODE, err, err_len);
    return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Gives the TAP beside a pci/dpdk underlay what the kernel needs to be the VTEP's host: it is up, and has the
 * MTU, the address and the routes of the configuration. All of it goes with the TAP when the process ends, so
 * nothing is undone.
 *
 * Control thread only.
 */
#include "controlplane/underlay.h"

#include "conf/conf.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <sys/socket.h>

static struct nl_addr *addr_build(const struct ipaddr *a, unsigned prefix_len)
{
    bool v6 = a->family == 6;
    struct nl_addr *n = nl_addr_build(v6 ? AF_INET6 : AF_INET, a->b, v6 ? 16 : 4);

    if (n)
        nl_addr_set_prefixlen(n, (int)prefix_len);
    return n;
}

/* libnl keeps the kernel's errno only as its own, coarser code; these are the ones that an operator can act
 * on. */
static int to_errno(int nlerr)
{
    switch (nlerr) {
    case -NLE_NOMEM:
        return -ENOMEM;
    case -NLE_EXIST:
        return -EEXIST;
    case -NLE_PERM:
        return -EPERM;
    case -NLE_NODEV:
    case -NLE_OBJ_NOTFOUND:
        return -ENODEV;
    case -NLE_RANGE:
    case -NLE_INVAL:
        return -EINVAL;
    default:
        return -EIO;
    }
}

static struct mac mac_of(const struct nl_addr *a)
{
    struct mac m = {{0}};

    if (nl_addr_get_len(a) == sizeof(m.b))
        memcpy(m.b, nl_addr_get_binary_addr(a), sizeof(m.b));
    return m;
}

/* 0, or libnl's negative code; so the others. With IPv6 the kernel must not make a link-local address: it
 * would try for more than a second whether that is a duplicate, and ask for no neighbour before. */
static int set_link(struct nl_sock *sock, int ifindex, uint16_t mtu, uint8_t family, struct mac *mac)
{
    struct rtnl_link *old = NULL, *change = rtnl_link_alloc();
    int rc = -NLE_NOMEM;

    if (!change)
        return rc;
    rc = rtnl_link_get_kernel(sock, ifindex, NULL, &old);
    if (rc < 0)
        goto out;
    rtnl_link_set_flags(change, IFF_UP);
    if (mtu)
        rtnl_link_set_mtu(change, mtu);
    if (family == 6)
        rc = rtnl_link_inet6_set_addr_gen_mode(change, IN6_ADDR_GEN_MODE_NONE);
    if (rc == 0)
        rc = rtnl_link_change(sock, old, change, 0);
    if (rc == 0)
        *mac = rtnl_link_get_addr(old) ? mac_of(rtnl_link_get_addr(old)) : (struct mac){{0}};
out:
    rtnl_link_put(old);
    rtnl_link_put(change);
    return rc;
}

static int add_address(struct nl_sock *sock, int ifindex, const struct ipaddr *address, unsigned prefix_len)
{
    struct rtnl_addr *a = rtnl_addr_alloc();
    struct nl_addr *local = addr_build(address, prefix_len);
    int rc = -NLE_NOMEM;

    if (!a || !local)
        goto out;
    rtnl_addr_set_ifindex(a, ifindex);
    rtnl_addr_set_prefixlen(a, (int)prefix_len);
    /* The VTEP's address is ours alone by configuration; waiting for duplicate address detection would only
     * keep us silent at the start. */
    if (address->family == 6)
        rtnl_addr_set_flags(a, IFA_F_NODAD);
    rc = rtnl_addr_set_local(a, local);
    if (rc == 0)
        rc = rtnl_addr_add(sock, a, NLM_F_REPLACE);
out:
    nl_addr_put(local);
    rtnl_addr_put(a);
    return rc;
}

/* The link-local address from which the kernel asks for neighbours (RFC 4291 appendix A). */
static int add_link_local(struct nl_sock *sock, int ifindex, struct mac mac)
{
    struct ipaddr ll = {.family = 6, .b = {0xfe, 0x80}};

    memcpy(&ll.b[8], mac.b, 3);
    ll.b[8] ^= 2;
    ll.b[11] = 0xff;
    ll.b[12] = 0xfe;
    memcpy(&ll.b[13], &mac.b[3], 3);
    return add_address(sock, ifindex, &ll, 64);
}

/* NLM_F_EXCL: a route of the machine's own for the same prefix must not be replaced. */
static int add_route(struct nl_sock *sock, int ifindex, const struct conf_route *r)
{
    struct rtnl_route *route = rtnl_route_alloc();
    struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
    struct nl_addr *to = addr_build(&r->to.addr, r->to.len);
    struct nl_addr *via = addr_build(&r->via, r->via.family == 6 ? 128 : 32);
    int rc = -NLE_NOMEM;

    if (!route || !nh || !to || !via) {
        if (nh)
            rtnl_route_nh_free(nh);
        goto out;
    }
    rtnl_route_set_family(route, r->to.addr.family == 6 ? AF_INET6 : AF_INET);
    rtnl_route_set_protocol(route, RTPROT_STATIC);
    rtnl_route_nh_set_ifindex(nh, ifindex);
    rtnl_route_nh_set_gateway(nh, via);
    rtnl_route_add_nexthop(route, nh); /* owns nh from here */
    rc = rtnl_route_set_dst(route, to);
    if (rc == 0)
        rc = rtnl_route_add(sock, route, NLM_F_CREATE | NLM_F_EXCL);
out:
    nl_addr_put(to);
    nl_addr_put(via);
    rtnl_route_put(route);
    return rc;
}

static int add_routes(struct nl_sock *sock, int ifindex, const struct conf_underlay *conf, char *err,
                      size_t err_len)
{
    for (size_t i = 0; i < conf->n_routes; i++) {
        const struct conf_route *r = &conf->routes[i];
        char to[IPADDR_STRLEN], via[IPADDR_STRLEN];
        int rc = add_route(sock, ifindex, r);

        if (rc == 0)
            continue;
        snprintf(err, err_len, "underlay: route to %s/%u via %s on %s: %s", ipaddr_format(&r->to.addr, to),
                 r->to.len, ipaddr_format(&r->via, via), conf->tap,
                 rc == -NLE_EXIST ? "this machine has a route to it already; remove that one or this one"
                                  : nl_geterror(rc));
        return to_errno(rc);
    }
    return 0;
}

int underlay_setup_tap(const struct conf_underlay *conf, char *err, size_t err_len)
{
    struct nl_sock *sock;
    struct mac mac;
    char text[IPADDR_STRLEN];
    int ifindex = (int)if_nametoindex(conf->tap);
    int rc;

    if (ifindex == 0) {
        snprintf(err, err_len, "underlay: the TAP %s does not exist", conf->tap);
        return -ENODEV;
    }
    sock = nl_socket_alloc();
    rc = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;
    if (rc < 0) {
        snprintf(err, err_len, "netlink socket: %s", nl_geterror(rc));
        goto out;
    }
    rc = set_link(sock, ifindex, conf->mtu, conf->address.family, &mac);
    if (rc < 0) {
        snprintf(err, err_len, "underlay: setting %s up with MTU %u: %s", conf->tap, conf->mtu,
                 nl_geterror(rc));
        goto out;
    }
    rc = conf->address.family == 6 ? add_link_local(sock, ifindex, mac) : 0;
    if (rc == 0)
        rc = add_address(sock, ifindex, &conf->address, conf->prefix_len);
    if (rc < 0) {
        snprintf(err, err_len, "underlay: address %s/%u on %s: %s", ipaddr_format(&conf->address, text),
                 conf->prefix_len, conf->tap, nl_geterror(rc));
        goto out;
    }
    rc = add_routes(sock, ifindex, conf, err, err_len);
    nl_socket_free(sock);
    return rc;
out:
    nl_socket_free(sock);
    return to_errno(rc);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions to the kernel, one at a time, over one rtnetlink socket: the route to an address, a neighbour, an
 * interface. They block, but only for the system call itself: the kernel answers these before sendmsg()
 * returns.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_UNDERLAY_NL_H
#define CONTROLPLANE_UNDERLAY_NL_H

#include "conf/types.h"
#include "controlplane/underlay.h"

struct nlattr;
struct unl;

enum unl_route_kind { UNL_ROUTE_NONE, UNL_ROUTE_LOCAL, UNL_ROUTE_UNICAST };

struct unl_route {
    enum unl_route_kind kind;
    int oif;
    struct ipaddr next_hop; /* the gateway, or the destination itself */
    uint32_t mtu;           /* the route's metric or what path MTU discovery found; 0: none */
};

struct unl_neigh {
    uint16_t nud; /* NUD_*; NUD_NONE: no entry */
    bool has_mac;
    struct mac mac;
};

struct unl *unl_open(char *err, size_t err_len);
void unl_close(struct unl *n);

/* As `ip route get DST from SRC`. 0 (kind may be NONE), or -errno when the kernel could not be asked. */
int unl_route_get(struct unl *n, const struct ipaddr *dst, const struct ipaddr *src, struct unl_route *out);
int unl_neigh_get(struct unl *n, int ifindex, const struct ipaddr *ip, struct unl_neigh *out);
/* Has the kernel resolve or re-probe ip as if it had a packet for it (NTF_USE). */
int unl_neigh_use(struct unl *n, int ifindex, const struct ipaddr *ip);
/* -ENODEV when there is no such interface. */
int unl_link_get(struct unl *n, const char *ifname, struct underlay_link *out);

/* An attribute that is an address of this family (AF_INET, AF_INET6); false when it is not one. */
bool unl_addr(const struct nlattr *attr, int family, struct ipaddr *out);
int unl_family(const struct ipaddr *a); /* AF_INET or AF_INET6 */

#endif

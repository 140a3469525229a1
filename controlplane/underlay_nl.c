/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See underlay_nl.h. Messages are built and read by attribute rather than through libnl-route's objects: `ip
 * route get` with a source, NTF_USE and nested next hops of the other family (RTA_VIA) are not in those.
 *
 * Control thread only.
 */
#include "controlplane/underlay_nl.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

typedef void (*unl_parse_fn)(struct nlmsghdr *h, void *out);

struct unl {
    struct nl_sock *sock;
    struct nl_cb *cb;
    /* the question under way */
    unl_parse_fn parse; /* NULL: an acknowledgement is the answer */
    void *out;
    uint32_t seq;
    bool done;
    int error;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
    struct unl *n = arg;
    struct nlmsghdr *h = nlmsg_hdr(msg);

    /* A late answer to a question that timed out has another sequence number. */
    if (h->nlmsg_seq != n->seq || !n->parse)
        return NL_SKIP;
    n->parse(h, n->out);
    n->done = true;
    return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
    struct unl *n = arg;

    if (nlmsg_hdr(msg)->nlmsg_seq == n->seq)
        n->done = true;
    return NL_OK;
}

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
    struct unl *n = arg;

    (void)who;
    if (e->msg.nlmsg_seq != n->seq)
        return NL_SKIP;
    n->error = e->error;
    n->done = true;
    return NL_SKIP;
}

struct unl *unl_open(char *err, size_t err_len)
{
    struct unl *n = calloc(1, sizeof(*n));
    struct timeval timeout = {.tv_sec = 2};
    int rc;

    if (!n || !(n->sock = nl_socket_alloc()) || !(n->cb = nl_cb_alloc(NL_CB_CUSTOM))) {
        snprintf(err, err_len, "out of memory");
        unl_close(n);
        return NULL;
    }
    nl_socket_disable_auto_ack(n->sock);
    rc = nl_connect(n->sock, NETLINK_ROUTE);
    if (rc < 0) {
        snprintf(err, err_len, "netlink socket: %s", nl_geterror(rc));
        unl_close(n);
        return NULL;
    }
    setsockopt(nl_socket_get_fd(n->sock), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    nl_cb_set(n->cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, n);
    nl_cb_set(n->cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, n);
    nl_cb_err(n->cb, NL_CB_CUSTOM, on_error, n);
    return n;
}

void unl_close(struct unl *n)
{
    if (!n)
        return;
    nl_cb_put(n->cb);
    nl_socket_free(n->sock);
    free(n);
}

/* Sends msg and waits for its answer. Frees msg; NULL means that building it failed. */
static int ask(struct unl *n, struct nl_msg *msg, unl_parse_fn parse, void *out)
{
    int rc;

    if (!msg)
        return -ENOMEM;
    n->parse = parse;
    n->out = out;
    n->done = false;
    n->error = 0;
    nl_complete_msg(n->sock, msg);
    n->seq = nlmsg_hdr(msg)->nlmsg_seq;
    rc = nl_send(n->sock, msg);
    nlmsg_free(msg);
    if (rc < 0)
        return -EIO;
    while (!n->done) {
        rc = nl_recvmsgs(n->sock, n->cb);
        if (rc < 0 && !n->done)
            return rc == -NLE_AGAIN ? -ETIMEDOUT : -EIO;
    }
    return n->error;
}

int unl_family(const struct ipaddr *a)
{
    return a->family == 6 ? AF_INET6 : AF_INET;
}

static int addr_len(const struct ipaddr *a)
{
    return a->family == 6 ? 16 : 4;
}

static bool addr_from(const void *data, int len, int family, struct ipaddr *out)
{
    int want = family == AF_INET6 ? 16 : 4;

    if ((family != AF_INET && family != AF_INET6) || len != want)
        return false;
    memset(out, 0, sizeof(*out));
    out->family = family == AF_INET6 ? 6 : 4;
    memcpy(out->b, data, (size_t)want);
    return true;
}

bool unl_addr(const struct nlattr *attr, int family, struct ipaddr *out)
{
    return attr && addr_from(nla_data(attr), nla_len(attr), family, out);
}

static struct nl_msg *msg_new(int type, int flags, const void *header, size_t len)
{
    struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

    if (msg && nlmsg_append(msg, (void *)(uintptr_t)header, len, NLMSG_ALIGNTO) < 0) {
        nlmsg_free(msg);
        return NULL;
    }
    return msg;
}

/* Adds an attribute; on failure frees the message and makes it NULL. */
static void msg_put(struct nl_msg **msg, int type, const void *data, int len)
{
    if (*msg && nla_put(*msg, type, len, data) < 0) {
        nlmsg_free(*msg);
        *msg = NULL;
    }
}

/* ---- route */

static uint32_t route_mtu(struct nlattr *metrics)
{
    struct nlattr *tb[RTAX_MAX + 1];

    if (!metrics || nla_parse_nested(tb, RTAX_MAX, metrics, NULL) < 0 || !tb[RTAX_MTU] ||
        nla_len(tb[RTAX_MTU]) < (int)sizeof(uint32_t))
        return 0;
    return nla_get_u32(tb[RTAX_MTU]);
}

static void route_parse(struct nlmsghdr *h, void *arg)
{
    struct unl_route *out = arg;
    struct rtmsg *rtm = nlmsg_data(h);
    struct nlattr *tb[RTA_MAX + 1];

    if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
        return;
    if (rtm->rtm_type == RTN_LOCAL)
        out->kind = UNL_ROUTE_LOCAL;
    if (rtm->rtm_type != RTN_UNICAST || !tb[RTA_OIF] || nla_len(tb[RTA_OIF]) < (int)sizeof(uint32_t))
        return;
    out->kind = UNL_ROUTE_UNICAST;
    out->oif = (int)nla_get_u32(tb[RTA_OIF]);
    out->mtu = route_mtu(tb[RTA_METRICS]);
    if (tb[RTA_GATEWAY])
        unl_addr(tb[RTA_GATEWAY], rtm->rtm_family, &out->next_hop);
    if (tb[RTA_VIA] && nla_len(tb[RTA_VIA]) > (int)sizeof(struct rtvia)) {
        struct rtvia *via = nla_data(tb[RTA_VIA]);

        addr_from(via->rtvia_addr, nla_len(tb[RTA_VIA]) - (int)sizeof(*via), via->rtvia_family,
                  &out->next_hop);
    }
}

int unl_route_get(struct unl *n, const struct ipaddr *dst, const struct ipaddr *src, struct unl_route *out)
{
    struct rtmsg rtm = {
        .rtm_family = (unsigned char)unl_family(dst),
        .rtm_dst_len = (unsigned char)(addr_len(dst) * 8),
        .rtm_src_len = (unsigned char)(addr_len(src) * 8),
    };
    struct nl_msg *msg = msg_new(RTM_GETROUTE, 0, &rtm, sizeof(rtm));
    int rc;

    msg_put(&msg, RTA_DST, dst->b, addr_len(dst));
    msg_put(&msg, RTA_SRC, src->b, addr_len(src));
    memset(out, 0, sizeof(*out));
    rc = ask(n, msg, route_parse, out);
    switch (rc) {
    case 0:
        if (out->kind == UNL_ROUTE_UNICAST && out->next_hop.family == 0)
            out->next_hop = *dst;
        return 0;
    case -ENETUNREACH: /* also what IPv4 says to a source that is not configured */
    case -EHOSTUNREACH:
    case -EACCES: /* prohibit */
    case -EINVAL: /* blackhole */
    case -ENETDOWN:
    case -EADDRNOTAVAIL:
        memset(out, 0, sizeof(*out));
        return 0;
    default:
        return rc;
    }
}

/* ---- neighbour */

static void neigh_parse(struct nlmsghdr *h, void *arg)
{
    struct unl_neigh *out = arg;
    struct ndmsg *ndm = nlmsg_data(h);
    struct nlattr *tb[NDA_MAX + 1];

    if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof(*ndm), tb, NDA_MAX, NULL) < 0)
        return;
    out->nud = ndm->ndm_state;
    if (tb[NDA_LLADDR] && nla_len(tb[NDA_LLADDR]) == 6) {
        out->has_mac = true;
        memcpy(out->mac.b, nla_data(tb[NDA_LLADDR]), 6);
    }
}

int unl_neigh_get(struct unl *n, int ifindex, const struct ipaddr *ip, struct unl_neigh *out)
{
    struct ndmsg ndm = {.ndm_family = (unsigned char)unl_family(ip), .ndm_ifindex = ifindex};
    struct nl_msg *msg = msg_new(RTM_GETNEIGH, 0, &ndm, sizeof(ndm));
    int rc;

    msg_put(&msg, NDA_DST, ip->b, addr_len(ip));
    memset(out, 0, sizeof(*out));
    rc = ask(n, msg, neigh_parse, out);
    return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

int unl_neigh_use(struct unl *n, int ifindex, const struct ipaddr *ip)
{
    struct ndmsg ndm = {
        .ndm_family = (unsigned char)unl_family(ip),
        .ndm_ifindex = ifindex,
        .ndm_state = NUD_NONE,
        .ndm_flags = NTF_USE,
    };
    struct nl_msg *msg = msg_new(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, &ndm, sizeof(ndm));

    msg_put(&msg, NDA_DST, ip->b, addr_len(ip));
    return ask(n, msg, NULL, NULL);
}

/* ---- interface */

static void link_parse(struct nlmsghdr *h, void *arg)
{
    struct underlay_link *out = arg;
    struct ifinfomsg *ifi = nlmsg_data(h);
    struct nlattr *tb[IFLA_MAX + 1];

    if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
        return;
    out->ifindex = ifi->ifi_index;
    /* IFF_LOWER_UP alone comes too early: what is sent before IFF_RUNNING finds no queue, and a neighbour
     * that was asked for in vain is asked for again only after a second. */
    out->up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING) && (ifi->ifi_flags & IFF_LOWER_UP);
    if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == 6)
        memcpy(out->mac.b, nla_data(tb[IFLA_ADDRESS]), 6);
    if (tb[IFLA_MTU] && nla_len(tb[IFLA_MTU]) >= (int)sizeof(uint32_t)) {
        uint32_t mtu = nla_get_u32(tb[IFLA_MTU]);

        out->mtu = mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
    }
}

int unl_link_get(struct unl *n, const char *ifname, struct underlay_link *out)
{
    struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
    struct nl_msg *msg = msg_new(RTM_GETLINK, 0, &ifi, sizeof(ifi));

    msg_put(&msg, IFLA_IFNAME, ifname, (int)strlen(ifname) + 1);
    memset(out, 0, sizeof(*out));
    return ask(n, msg, link_parse, out);
}

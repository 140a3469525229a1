/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp_socket.h.
 */
#include "controlplane/bgp_socket.h"

#include "controlplane/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define DSCP_CS6    0xc0 /* in the place of the TOS octet: RFC 4594 section 3.1 */
#define TTL_MAX     255
#define BACKLOG     128
#define NOTSENT_LOW (128 * 1024) /* the kernel holds no more unsent: the rest can still be changed */
#define DRAIN_READS 8
#define DRAIN_SIZE  65536
#define KEEPIDLE_S  60 /* for sessions without a hold time */

#ifndef TCP_SAVE_SYN
#define TCP_SAVE_SYN 27
#endif
#ifndef TCP_SAVED_SYN
#define TCP_SAVED_SYN 28
#endif

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_ttl(int fd, uint8_t family, int ttl)
{
    return family == 4 ? set_int(fd, IPPROTO_IP, IP_TTL, ttl)
                       : set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
}

static int set_min_ttl(int fd, uint8_t family, int ttl)
{
    return family == 4 ? set_int(fd, IPPROTO_IP, IP_MINTTL, ttl)
                       : set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl);
}

static int lowest_ttl(const struct bgp_peer_config *c)
{
    return TTL_MAX - c->ttl_security + 1;
}

/* Options that no session can do without come back as an error; the rest is a matter of comfort. */
static int set_common(int fd, uint8_t family)
{
    if (family == 4)
        set_int(fd, IPPROTO_IP, IP_TOS, DSCP_CS6);
    else
        set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, DSCP_CS6);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPIDLE_S);
    set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_LOW);
    return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* a move must not wait for an ACK */
}

/* RFC 5082 section 3; else eBGP stays on the link unless told how far the peer is. */
static int set_distance(int fd, const struct bgp_peer_config *c, bool ebgp)
{
    uint8_t family = c->address.family;
    int rc;

    if (c->ttl_security > 0) {
        rc = set_ttl(fd, family, TTL_MAX);
        return rc ? rc : set_min_ttl(fd, family, lowest_ttl(c));
    }
    if (c->multihop > 0)
        return set_ttl(fd, family, c->multihop);
    /* -1 undoes what an accepted socket inherited from its listener. */
    return set_ttl(fd, family, ebgp ? 1 : family == 4 ? 64 : -1);
}

int bgp_socket_listen(const struct ipaddr *local, uint16_t port)
{
    bool v4 = local->family == 4;
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_make(local, port, &sa);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

    if (fd < 0)
        return -errno;
    rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!rc && !v4)
        rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!rc) /* an underlay address may come, go and come again */
        rc = v4 ? set_int(fd, IPPROTO_IP, IP_FREEBIND, 1) : set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
    if (!rc)
        rc = set_common(fd, local->family);
    if (!rc)
        rc = set_ttl(fd, local->family, TTL_MAX);
    if (!rc)
        set_int(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    if (!rc && (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, BACKLOG) < 0))
        rc = -errno;
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}

int bgp_socket_password(int fd, const struct ipaddr *peer, const char *password)
{
    struct tcp_md5sig key = {.tcpm_keylen = 0};
    size_t n = strlen(password);

    if (n > sizeof(key.tcpm_key))
        return -EINVAL;
    sockaddr_make(peer, 0, &key.tcpm_addr);
    key.tcpm_keylen = (uint16_t)n;
    memcpy(key.tcpm_key, password, n);
    if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)) == 0)
        return 0;
    return n == 0 && errno == ENOENT ? 0 : -errno; /* nothing to remove */
}

int bgp_socket_dial(const struct bgp_peer_config *c, bool ebgp)
{
    struct sockaddr_storage sa;
    int fd = socket(c->address.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    0),
        rc;

    if (fd < 0)
        return -errno;
    rc = set_common(fd, c->address.family);
    if (!rc)
        rc = set_distance(fd, c, ebgp);
    if (!rc && c->password[0])
        rc = bgp_socket_password(fd, &c->address, c->password);
    if (!rc && c->source.family != 0) {
        socklen_t len = sockaddr_make(&c->source, 0, &sa);

        set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        if (bind(fd, (struct sockaddr *)&sa, len) < 0)
            rc = -errno;
    }
    if (!rc) {
        socklen_t len = sockaddr_make(&c->address, c->port, &sa);

        if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
            rc = -errno;
    }
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}

/* TTL or hop limit of the SYN, -1 when the kernel did not keep it (SYN cookies). */
static int syn_ttl(int fd)
{
    uint8_t syn[256];
    socklen_t len = sizeof(syn);

    if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) < 0 || len < 20)
        return -1;
    return syn[0] >> 4 == 4 ? syn[8] : syn[7];
}

int bgp_socket_adopt(int fd, const struct bgp_peer_config *c, bool ebgp, int *ttl)
{
    int rc;

    *ttl = -1;
    if (c->ttl_security > 0) {
        *ttl = syn_ttl(fd);
        if (*ttl >= 0 && *ttl < lowest_ttl(c))
            return -EACCES;
    }
    rc = set_common(fd, c->address.family);
    return rc ? rc : set_distance(fd, c, ebgp);
}

void bgp_socket_finish(int fd)
{
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < DRAIN_READS; i++)
        if (recv(fd, NULL, DRAIN_SIZE, MSG_DONTWAIT | MSG_TRUNC) <= 0) /* thrown away, not copied: tcp(7) */
            break;
    close(fd);
}

void bgp_socket_abort(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

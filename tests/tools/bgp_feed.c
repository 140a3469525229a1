/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A BGP speaker for tests and benchmarks that has many MACs: opens one iBGP session, announces itself as a
 * VTEP (type 3), and on command sends COUNT type 2 routes as fast as the other end takes them.
 *
 *   bgp_feed PEER SOURCE ASN VNI COUNT
 *
 * Commands on stdin, one word a line, and what it says on stdout (times are CLOCK_MONOTONIC in ns):
 *
 *   established               when the session is up, without being asked
 *   send      sent T1 T2      all routes: before the first byte was written, and after the last one was
 *   withdraw  sent T1 T2      the same for their withdrawal
 *   reset     reset T         ends the connection by a TCP reset, as a machine that died and came back would
 *
 * It ends with its stdin, and with an error on stderr when the other end leaves. All routes are encoded
 * before the session is opened, so that sending is a copy. The MACs are 06:xx:xx:xx:xx:xx in no order, as
 * those of machines are.
 */
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_open.h"
#include "controlplane/bgp_pack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BGP_PORT     179
#define HOLD_TIME    90
#define KEEPALIVE_NS 1000000000ull
#define LINE_MAX_LEN 32

struct bytes {
    uint8_t *data;
    size_t len, size;
};

struct feed {
    struct ipaddr source;
    uint32_t asn, vni, count, id;
    struct bytes hello, reach, unreach;
    int fd;
    bool established;
    const struct bytes *out; /* being written; NULL: nothing */
    size_t done;
    uint64_t first, last_keepalive;
    uint8_t in[BGP_MSG_MAX];
    size_t in_len;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("bgp_feed: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- what is sent */

static uint8_t *room(struct bytes *b)
{
    if (b->size - b->len < BGP_MSG_MAX) {
        b->size = 2 * b->size + (1 << 20);
        b->data = realloc(b->data, b->size);
        if (!b->data)
            die("no memory");
    }
    return b->data + b->len;
}

static struct evpn_nlri mac_route(const struct feed *f, uint32_t i)
{
    struct evpn_nlri n = {.type = EVPN_MACIP, .n_labels = 1, .rd = evpn_rd_make(f->id, 1), .label = f->vni};
    uint32_t mixed = i * 2654435761u; /* odd, so no two are the same */

    n.mac.b[0] = 6;
    memcpy(&n.mac.b[2], &mixed, sizeof(mixed));
    return n;
}

static void make_attrs(const struct feed *f, struct bgp_attrs *a)
{
    bgp_attrs_init(a);
    bgp_attrs_set(a, BGP_ORIGIN);
    bgp_attrs_set(a, BGP_AS_PATH);
    a->local_pref = 100;
    bgp_attrs_set(a, BGP_LOCAL_PREF);
    a->next_hop = f->source;
    bgp_attrs_set(a, BGP_MP_REACH);
    bgp_attrs_add_extcom(a, bgp_extcom_rt_vni(f->asn, f->vni));
    bgp_attrs_add_extcom(a, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN));
    bgp_attrs_set(a, BGP_EXT_COMMUNITY);
}

static void pack_hello(struct feed *f, const struct bgp_attrs *mac_attrs, const struct bgp_rules *rules)
{
    static struct bgp_pack p;
    struct bgp_attrs a = *mac_attrs;
    struct evpn_nlri n = {.type = EVPN_IMET, .rd = evpn_rd_make(f->id, 1), .ip = f->source};
    int rc;

    bgp_attrs_set_ingress_replication(&a, f->vni, &f->source);
    if (bgp_pack_reach(&p, room(&f->hello), BGP_MSG_MAX, &a, rules) != 0 || !bgp_pack_add(&p, &n))
        die("cannot encode the type 3 route");
    f->hello.len += bgp_pack_end(&p);
    rc = bgp_end_of_rib_encode((struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN}, room(&f->hello),
                               BGP_MSG_MAX);
    if (rc > 0)
        f->hello.len += (size_t)rc;
}

static void pack_macs(const struct feed *f, struct bytes *to, const struct bgp_attrs *a,
                      const struct bgp_rules *rules)
{
    static struct bgp_pack p;
    uint32_t i = 0;

    while (i < f->count) {
        uint8_t *msg = room(to);
        int rc = a ? bgp_pack_reach(&p, msg, BGP_MSG_MAX, a, rules) : bgp_pack_unreach(&p, msg, BGP_MSG_MAX);

        if (rc != 0)
            die("cannot encode: %s", strerror(-rc));
        for (struct evpn_nlri n = mac_route(f, i); i < f->count && bgp_pack_add(&p, &n);
             n = mac_route(f, ++i))
            ;
        if (p.n == 0)
            die("cannot encode a type 2 route");
        to->len += bgp_pack_end(&p);
    }
}

static void encode_all(struct feed *f)
{
    static struct bgp_attrs attrs;
    const struct bgp_rules rules = {.as4 = true, .peer_as = f->asn};

    make_attrs(f, &attrs);
    pack_hello(f, &attrs, &rules);
    pack_macs(f, &f->reach, &attrs, &rules);
    pack_macs(f, &f->unreach, NULL, &rules);
}

/* ---- the session */

static void connect_to(struct feed *f, const char *peer)
{
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET, .sin_port = htons(BGP_PORT)};

    memcpy(&from.sin_addr, f->source.b, 4);
    if (inet_pton(AF_INET, peer, &to.sin_addr) != 1)
        die("%s is no IPv4 address", peer);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        die("bind: %s", strerror(errno));
    if (connect(f->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect to %s: %s", peer, strerror(errno));
}

/* The few bytes of a session's beginning and of a keepalive always fit the socket's buffer. */
static void send_small(const struct feed *f, const uint8_t *data, int len)
{
    if (len <= 0 || send(f->fd, data, (size_t)len, MSG_NOSIGNAL) != len)
        die("send: %s", strerror(errno));
}

static void send_open(const struct feed *f)
{
    static struct bgp_open open;
    uint8_t msg[BGP_MSG_MAX];

    open = (struct bgp_open){.version = 4, .asn = f->asn, .hold_time = HOLD_TIME, .id = f->id};
    open.caps = (struct bgp_caps){.as4 = true, .as4_number = f->asn, .n_families = 1, .route_refresh = true};
    open.caps.families[0] = (struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN};
    send_small(f, msg, bgp_open_encode(&open, msg, sizeof(msg)));
}

static void send_keepalive(struct feed *f)
{
    uint8_t msg[BGP_HEADER_LEN];

    send_small(f, msg, bgp_keepalive_encode(msg, sizeof(msg)));
    f->last_keepalive = mono_now().ns;
}

static void message(struct feed *f, const struct bgp_frame *m)
{
    if (m->type == BGP_NOTIFICATION)
        die("the other end left: NOTIFICATION %u/%u", m->body_len > 0 ? m->body[0] : 0,
            m->body_len > 1 ? m->body[1] : 0);
    if (m->type == BGP_OPEN)
        send_keepalive(f);
    if (m->type == BGP_KEEPALIVE && !f->established) {
        f->established = true;
        send_small(f, f->hello.data, (int)f->hello.len);
        puts("established");
    }
}

static void receive(struct feed *f)
{
    static struct bgp_error err;
    struct bgp_frame frame;
    ssize_t n = recv(f->fd, f->in + f->in_len, sizeof(f->in) - f->in_len, MSG_DONTWAIT);
    int used;

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        die("the connection ended: %s", n == 0 ? "closed by the other end" : strerror(errno));
    f->in_len += n > 0 ? (size_t)n : 0;
    while ((used = bgp_frame_next(f->in, f->in_len, BGP_MSG_MAX, &frame, &err)) > 0) {
        message(f, &frame);
        f->in_len -= (size_t)used;
        memmove(f->in, f->in + used, f->in_len);
    }
    if (used < 0)
        die("what came is no BGP: %s", err.text);
}

static void write_more(struct feed *f)
{
    ssize_t n = send(f->fd, f->out->data + f->done, f->out->len - f->done, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR)
        die("send: %s", strerror(errno));
    f->done += n > 0 ? (size_t)n : 0;
    if (f->done == f->out->len) {
        f->out = NULL;
        f->last_keepalive = mono_now().ns;
        printf("sent %llu %llu\n", (unsigned long long)f->first, (unsigned long long)f->last_keepalive);
    }
}

/* ---- commands */

static void reset(struct feed *f)
{
    const struct linger now = {.l_onoff = 1};
    uint64_t t = mono_now().ns;

    setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(f->fd);
    f->fd = -1; /* poll() passes over it */
    printf("reset %llu\n", (unsigned long long)t);
}

static void command(struct feed *f)
{
    char line[LINE_MAX_LEN];

    if (!fgets(line, sizeof(line), stdin))
        exit(0);
    if (f->fd < 0 || !f->established || f->out)
        die("not now: %s", line);
    if (strcmp(line, "reset\n") == 0) {
        reset(f);
    } else if (strcmp(line, "send\n") == 0 || strcmp(line, "withdraw\n") == 0) {
        f->out = line[0] == 's' ? &f->reach : &f->unreach;
        f->done = 0;
        f->first = mono_now().ns;
    } else {
        die("unknown command %s", line);
    }
}

static void run(struct feed *f)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = f->fd, .events = POLLIN | (f->out ? POLLOUT : 0)},
                              {.fd = STDIN_FILENO, .events = POLLIN}};

        if (poll(p, 2, 200) < 0 && errno != EINTR)
            die("poll: %s", strerror(errno));
        if (p[0].revents & (POLLIN | POLLERR | POLLHUP))
            receive(f);
        if (f->out && p[0].revents & POLLOUT)
            write_more(f);
        if (f->fd >= 0 && f->established && !f->out && mono_now().ns - f->last_keepalive > KEEPALIVE_NS)
            send_keepalive(f);
        if (p[1].revents)
            command(f);
    }
}

int main(int argc, char **argv)
{
    static struct feed f;

    if (argc != 6 || !ipaddr_parse(argv[2], &f.source) || f.source.family != 4)
        die("usage: bgp_feed PEER SOURCE ASN VNI COUNT, addresses IPv4");
    f.asn = (uint32_t)strtoul(argv[3], NULL, 10);
    f.vni = (uint32_t)strtoul(argv[4], NULL, 10);
    f.count = (uint32_t)strtoul(argv[5], NULL, 10);
    memcpy(&f.id, f.source.b, 4);
    f.id = ntohl(f.id);
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what stdio would hide */
    setvbuf(stdout, NULL, _IOLBF, 0);
    encode_all(&f);
    connect_to(&f, argv[1]);
    send_open(&f);
    run(&f);
}
